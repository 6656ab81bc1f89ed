//! Antialiased resizing. A library does it; here its loops are compiled for speed, as all that every image goes through.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeAlg, ResizeOptions, Resizer};

pub use fast_image_resize::{CropBox, FilterType};

/// Why an image could not be resized.
pub type ResizeError = Box<dyn std::error::Error>;

/// Resizes a region of an image as Pillow's `Image.resize(size, filter, box)` does: in integers of 8 bits, the same on every
/// processor.
///
/// # Shapes
/// `rgb`: `[height, width, 3]`; sizes are width and height in pixels, as the region is; result: `[height, width, 3]` of `to`.
///
/// # Errors
/// Where bytes and size do not fit together, or the region is not in the image.
pub fn resize(
    rgb: &[u8],
    [width, height]: [u32; 2],
    CropBox { left, top, width: across, height: down }: CropBox,
    filter: FilterType,
    to: [u32; 2],
) -> Result<Vec<u8>, ResizeError> {
    let source = ImageRef::new(width, height, rgb, PixelType::U8x3)?;
    let mut target = Image::new(to[0], to[1], PixelType::U8x3);
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(left, top, across, down);
    Resizer::new().resize(&source, &mut target, &options)?;
    Ok(target.into_vec())
}
