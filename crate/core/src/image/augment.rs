//! Random views of an image: which ranges they draw from, and how one is made.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::random_crop::random_crop;
use super::{Pixels, colour, erasing, rotation};
use crate::error::{Error, Result};

/// Which view of an image: its number and the seed of its randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// Number of the view; 0 is the plain evaluation crop.
    pub index: u32,
    /// Seed of the view's random choices; not used for view 0.
    pub seed: u32,
}

/// Ranges of the random transforms; each view draws from all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Augment {
    /// Part of the image's area that the random crop keeps: least and most, within 0.05 to 1. Default 0.6 to 1.
    pub area: [f64; 2],
    /// Width over height of the crop: least and most, within 0.25 to 4. Default 3/4 to 4/3.
    pub ratio: [f64; 2],
    /// Probability of a horizontal flip, 0 to 1. Default 0.5.
    pub flip: f64,
    /// Most degrees of rotation either way, 0 to 180. Default 10.
    pub rotation: f64,
    /// Brightness is multiplied by 1 ± this, 0 to 1. Default 0.2.
    pub brightness: f64,
    /// Contrast is multiplied by 1 ± this, 0 to 1. Default 0.2.
    pub contrast: f64,
    /// Saturation is multiplied by 1 ± this, 0 to 1. Default 0.2.
    pub saturation: f64,
    /// Hue is turned by up to this part of the colour circle either way, 0 to 0.5. Default 0.02.
    pub hue: f64,
    /// Probability that a random rectangle is filled with the mean colour, 0 to 1. Default 0.
    pub erasing: f64,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            area: [0.6, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            flip: 0.5,
            rotation: 10.0,
            brightness: 0.2,
            contrast: 0.2,
            saturation: 0.2,
            hue: 0.02,
            erasing: 0.0,
        }
    }
}

impl Augment {
    /// Reads ranges as a caller wrote them; what is left out has its default.
    ///
    /// # Errors
    /// `OPTION_INVALID`, naming the option, for a name that is not known, a value of another type or one out of its range.
    pub fn read<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Self> {
        let ranges: Self = crate::error::read_option(source)?;
        ranges.validate()?;
        Ok(ranges)
    }

    /// Checks every range.
    ///
    /// # Errors
    /// `OPTION_INVALID` naming the first field that is out of its range or not a number, as `augment.<field>`.
    pub fn validate(&self) -> Result<()> {
        for (field, range, least, most) in [("area", self.area, 0.05, 1.0), ("ratio", self.ratio, 0.25, 4.0)]
        {
            let [low, high] = range;
            if !(least <= low && low <= high && high <= most) {
                let expected = format!("[least, most] within {least} to {most}");
                return Err(invalid(field, format!("[{low}, {high}]"), expected));
            }
        }
        for (field, value, most) in [
            ("flip", self.flip, 1.0),
            ("rotation", self.rotation, 180.0),
            ("brightness", self.brightness, 1.0),
            ("contrast", self.contrast, 1.0),
            ("saturation", self.saturation, 1.0),
            ("hue", self.hue, 0.5),
            ("erasing", self.erasing, 1.0),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(invalid(field, value.to_string(), format!("a number from 0 to {most}")));
            }
        }
        Ok(())
    }

    /// Makes one view, `size` x `size`: random resized crop, rotation, flip, colour jitter in a random order, erasing.
    ///
    /// The image is read once, straight to the size of the view. Everything random comes from `seed` (ChaCha8), and the
    /// arithmetic is exact or from `libm`: the same seed gives the same bytes on every platform.
    ///
    /// # Errors
    /// As [`Augment::validate`]; `IMAGE_SHAPE` where `size` is zero or the view over [`MAX_PIXELS`](super::MAX_PIXELS).
    pub fn apply(&self, pixels: &Pixels, size: u32, seed: u32) -> Result<Pixels> {
        self.validate()?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed.into());
        let region = random_crop(pixels.width(), pixels.height(), self.area, self.ratio, &mut rng);
        let degrees = uniform(&mut rng, [-self.rotation, self.rotation]);
        let mut view = rotation::turned(pixels, region, size, degrees)?;
        if uniform(&mut rng, [0.0, 1.0]) < self.flip {
            view = view.oriented(2);
        }
        self.jitter(&mut view, &mut rng);
        if uniform(&mut rng, [0.0, 1.0]) < self.erasing {
            erasing::erase(&mut view, &mut rng);
        }
        Ok(view)
    }

    /// Brightness, contrast, saturation and hue in a random order, as torchvision's `ColorJitter` has them.
    fn jitter(&self, view: &mut Pixels, rng: &mut impl Rng) {
        let mut order = [Jitter::Brightness, Jitter::Contrast, Jitter::Saturation, Jitter::Hue];
        order.shuffle(rng);
        for jitter in order {
            let (range, centre) = match jitter {
                Jitter::Brightness => (self.brightness, 1.0),
                Jitter::Contrast => (self.contrast, 1.0),
                Jitter::Saturation => (self.saturation, 1.0),
                Jitter::Hue => (self.hue, 0.0),
            };
            let amount = uniform(rng, [centre - range, centre + range]) as f32;
            if range > 0.0 {
                jitter.change(view, amount);
            }
        }
    }
}

/// One of the colour changes.
#[derive(Clone, Copy)]
enum Jitter {
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

impl Jitter {
    fn change(self, view: &mut Pixels, amount: f32) {
        match self {
            Jitter::Brightness => colour::brightness(view, amount),
            Jitter::Contrast => colour::contrast(view, amount),
            Jitter::Saturation => colour::saturation(view, amount),
            Jitter::Hue => colour::hue(view, amount),
        }
    }
}

/// A number from `low` to below `high`, each equally likely.
pub(super) fn uniform(rng: &mut impl Rng, [low, high]: [f64; 2]) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

fn invalid(field: &str, found: String, expected: String) -> Error {
    Error::OptionInvalid { option: format!("augment.{field}"), found, expected }
}
