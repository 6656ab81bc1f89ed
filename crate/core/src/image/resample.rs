//! Antialiased resizing of a part of an image, as Pillow's `Image.resize(size, filter, box)` does it.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{CropBox, FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Pixels;
use crate::error::{Error, Result};
use crate::weights::Interpolation;

/// Resizes the `region` of an image to `width` x `height`. The filter reaches beyond the region where the image does,
/// so that resizing a part gives the same numbers as cutting the part out of the resized whole.
///
/// The filter is integer arithmetic on 8-bit values, the same on every processor.
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
    let source = ImageRef::new(pixels.width(), pixels.height(), pixels.rgb(), PixelType::U8x3)
        .map_err(|error| internal(&error))?;
    let mut target = Image::new(width, height, PixelType::U8x3);
    let CropBox { left, top, width: across, height: down } = within(region, pixels);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(match interpolation {
            Interpolation::Bilinear => FilterType::Bilinear,
            // Pillow's bicubic has the parameter -1/2, which is Catmull and Rom's.
            Interpolation::Bicubic => FilterType::CatmullRom,
        }))
        .crop(left, top, across, down);
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| internal(&error))?;
    Pixels::from_rgb(width, height, target.into_vec())
}

/// The region without what rounding has moved past the borders of the image.
fn within(region: CropBox, pixels: &Pixels) -> CropBox {
    let (width, height) = (f64::from(pixels.width()), f64::from(pixels.height()));
    let (left, top) = (region.left.max(0.0), region.top.max(0.0));
    CropBox { left, top, width: region.width.min(width - left), height: region.height.min(height - top) }
}

fn internal(error: &dyn std::error::Error) -> Error {
    Error::Internal { reason: format!("an image could not be resized: {error}") }
}
