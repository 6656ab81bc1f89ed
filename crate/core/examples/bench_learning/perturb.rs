//! Photos as they were not meant to be taken: tilted, too near, too dark or too bright.

use image::{Rgb, RgbImage, imageops};
use rand::Rng;

/// A way to perturb a photo.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// By 15 to 30 degrees, either way; what comes into the picture is white, as the photos' background.
    Rotation,
    /// 40 to 70% of the area, anywhere, of the same shape.
    Crop,
    /// Times 0.4 to 0.6, or times 1.4 to 1.7.
    Brightness,
}

/// All of them.
pub const KINDS: [Kind; 3] = [Kind::Rotation, Kind::Crop, Kind::Brightness];

impl Kind {
    /// A perturbed copy.
    pub fn perturb(self, image: &RgbImage, rng: &mut impl Rng) -> RgbImage {
        match self {
            Self::Rotation => {
                rotated(image, rng.random_range(15.0..30.0f32) * if rng.random() { 1.0 } else { -1.0 })
            }
            Self::Crop => {
                let share = rng.random_range(0.4..0.7f32).sqrt();
                let [width, height] =
                    [image.width(), image.height()].map(|side| (side as f32 * share) as u32);
                let corner =
                    [image.width() - width, image.height() - height].map(|room| rng.random_range(0..=room));
                imageops::crop_imm(image, corner[0], corner[1], width, height).to_image()
            }
            Self::Brightness => {
                let factor =
                    if rng.random() { rng.random_range(0.4..0.6f32) } else { rng.random_range(1.4..1.7f32) };
                let mut copy = image.clone();
                copy.iter_mut().for_each(|value| *value = (f32::from(*value) * factor).min(255.0) as u8);
                copy
            }
        }
    }
}

/// Turned about its middle, with the nearest pixel of the original at each place.
fn rotated(image: &RgbImage, degrees: f32) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let [x0, y0] = [image.width(), image.height()].map(|side| side as f32 / 2.0);
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let (x, y) = (x as f32 + 0.5 - x0, y as f32 + 0.5 - y0);
        let (x, y) = ((x * cos + y * sin + x0).floor(), (y * cos - x * sin + y0).floor());
        let inside = x >= 0.0 && y >= 0.0;
        let pixel = inside.then(|| image.get_pixel_checked(x as u32, y as u32)).flatten();
        pixel.copied().unwrap_or(Rgb([255; 3]))
    })
}
