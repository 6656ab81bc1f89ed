//! Antialiased resizing of a part of an image, as Pillow's `Image.resize(size, filter, box)` does it.

use rekindle_kernel::{CropBox, FilterType, resize};

use super::Pixels;
use crate::error::{Error, Result};
use crate::weights::Interpolation;

/// Resizes the `region` of an image to `width` x `height`. The filter reaches beyond the region where the image does,
/// so that resizing a part gives the same numbers as cutting the part out of the resized whole.
///
/// # Errors
/// `IMAGE_SHAPE` where the new size cannot be an image.
pub(super) fn resample(pixels: &Pixels, region: CropBox, width: u32, height: u32) -> Result<Pixels> {
    resample_by(Interpolation::Bilinear, pixels, region, width, height)
}

/// The same with a filter of choice.
pub(super) fn resample_by(
    interpolation: Interpolation,
    pixels: &Pixels,
    region: CropBox,
    width: u32,
    height: u32,
) -> Result<Pixels> {
    Pixels::check_size(width, height)?;
    let filter = match interpolation {
        Interpolation::Bilinear => FilterType::Bilinear,
        // Pillow's bicubic has the parameter -1/2, which is Catmull and Rom's.
        Interpolation::Bicubic => FilterType::CatmullRom,
    };
    let size = [pixels.width(), pixels.height()];
    let rgb = resize(pixels.rgb(), size, within(region, pixels), filter, [width, height])
        .map_err(|error| Error::Internal { reason: format!("an image could not be resized: {error}") })?;
    Pixels::from_rgb(width, height, rgb)
}

/// The region without what rounding has moved past the borders of the image.
fn within(region: CropBox, pixels: &Pixels) -> CropBox {
    let (width, height) = (f64::from(pixels.width()), f64::from(pixels.height()));
    let (left, top) = (region.left.max(0.0), region.top.max(0.0));
    CropBox { left, top, width: region.width.min(width - left), height: region.height.min(height - top) }
}
