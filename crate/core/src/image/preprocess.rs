//! The evaluation transform that the pretrained weights were made with: resize, centre crop, normalise.

use rekindle_kernel::CropBox;

use super::{Pixels, resample::resample_by};
use crate::error::Result;
use crate::weights::{Interpolation, Spec};

/// The evaluation transform that belongs to pretrained weights: the shorter side is resized to
/// `round(input_size / crop_pct)`, the centre is cropped to `input_size` and each channel normalised.
///
/// The sizes and offsets are torchvision's (`Resize`, `CenterCrop`), the filter is Pillow's antialiased one.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    input_size: u32,
    shorter_side: u32,
    mean: [f32; 3],
    std: [f32; 3],
    interpolation: Interpolation,
}

/// A part of an image, in its pixels and parts of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Where it begins from the left.
    pub left: f64,
    /// Where it begins from the top.
    pub top: f64,
    /// Length of its upper side.
    pub width: f64,
    /// Length of its left side.
    pub height: f64,
}

impl Preprocess {
    /// The transform of `spec` for a square input of `input_size` pixels. The resized image is never smaller than the
    /// crop: a `crop_pct` outside 0 to 1 counts as 1.
    pub fn new(spec: &Spec, input_size: u32) -> Self {
        let crop_pct = f64::from(spec.crop_pct);
        let kept = if crop_pct > 0.0 && crop_pct < 1.0 { crop_pct } else { 1.0 };
        let shorter_side = (f64::from(input_size) / kept).round() as u32;
        Self { input_size, shorter_side, mean: spec.mean, std: spec.std, interpolation: spec.interpolation }
    }

    /// The side in pixels that the shorter one is resized to.
    pub fn shorter_side(&self) -> u32 {
        self.shorter_side
    }

    /// The centre of the resized image, `input_size` x `input_size`. Only what the crop shows is resized, to the same
    /// numbers.
    ///
    /// # Errors
    /// `IMAGE_SHAPE` where the input size is zero or over [`MAX_PIXELS`](super::MAX_PIXELS).
    pub fn crop(&self, pixels: &Pixels) -> Result<Pixels> {
        let Region { left, top, width, height } = self.seen(pixels.width(), pixels.height());
        let region = CropBox { left, top, width, height };
        resample_by(self.interpolation, pixels, region, self.input_size, self.input_size)
    }

    /// The part that the crop shows of an image of this size.
    pub fn seen(&self, width: u32, height: u32) -> Region {
        let shorter = width.min(height);
        let ((left, width), (top, height)) = (self.span(width, shorter), self.span(height, shorter));
        Region { left, top, width, height }
    }

    /// Where the crop begins on a side and how long it is, in pixels of the original image.
    ///
    /// torchvision cuts the longer resized side down to a whole number, and Python rounds the crop's offset half to even.
    fn span(&self, side: u32, shorter: u32) -> (f64, f64) {
        let resized = (u64::from(self.shorter_side) * u64::from(side) / u64::from(shorter)) as f64;
        let crop = f64::from(self.input_size);
        let offset = ((resized - crop) / 2.0).round_ties_even();
        let scale = f64::from(side) / resized;
        (offset * scale, crop * scale)
    }

    /// `(value / 255 - mean) / std` of every value, in the image's order.
    ///
    /// # Shapes
    /// `[height, width, 3]`, channels R, G, B.
    pub fn normalise(&self, pixels: &Pixels) -> Vec<f32> {
        self.normalise_all(std::slice::from_ref(pixels))
    }

    /// The same of several images, one after the other.
    pub fn normalise_all(&self, images: &[Pixels]) -> Vec<f32> {
        // A channel has 256 values: two divisions for each of them, not for each pixel.
        let table =
            |(mean, std)| std::array::from_fn::<f32, 256, _>(|value| (value as f32 / 255.0 - mean) / std);
        let [red, green, blue] = [0, 1, 2].map(|at: usize| table((self.mean[at], self.std[at])));
        let len = |image: &Pixels| image.rgb().len();
        let mut normalised = vec![0.0; images.iter().map(len).sum()];
        let mut rest = normalised.as_mut_slice();
        for image in images {
            let (numbers, next) = rest.split_at_mut(len(image));
            let pixels = image.rgb().as_chunks::<3>().0;
            for (to, &[r, g, b]) in numbers.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                *to = [red[usize::from(r)], green[usize::from(g)], blue[usize::from(b)]];
            }
            rest = next;
        }
        normalised
    }
}
