//! Reads the header of an image file before anything decodes it: format, size, orientation, and whether it is cut off,
//! animated or no image at all.
//!
//! The structure of the file is walked from its first byte to its last, but nothing is decompressed: a file that passes
//! may still be damaged inside, which its decoder then says.

mod bmp;
mod bytes;
mod exif;
mod gif;
mod isobmff;
mod jpeg;
mod png;
mod stranger;
mod webp;

use super::Pixels;
use crate::error::{Error, Result};

/// What an image file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Header {
    /// `jpeg`, `png`, `gif`, `webp`, `bmp`, `avif` or `heic`.
    pub format: &'static str,
    /// Width and height in pixels as the file stores them, before any turning; `None` where an AVIF or HEIC file hides
    /// them.
    pub size: Option<[u32; 2]>,
    /// Exif's `Orientation`, 1 to 8; 1 where the file has none. AVIF and HEIC files turn the image by other means, which
    /// decoders apply: there it is 1.
    pub orientation: u8,
}

/// Reads the header of an image file. Any bytes can be given.
///
/// # Errors
/// - `IMAGE_DECODE` where the file is empty, not an image, cut off, damaged or animated (two frames or more).
/// - `IMAGE_SHAPE` where a side is zero or the image is over [`MAX_PIXELS`](super::MAX_PIXELS).
pub fn probe(bytes: &[u8]) -> Result<Header> {
    let header = match bytes {
        [] => return Err(Error::ImageDecode { reason: "the file is empty".into() }),
        [0xff, 0xd8, 0xff, ..] => jpeg::read(bytes),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => png::read(bytes),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => gif::read(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp::read(bytes),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => isobmff::read(bytes),
        _ if bmp::begins(bytes) => bmp::read(bytes),
        _ => Err(stranger::refused(bytes)),
    }?;
    if let Some([width, height]) = header.size {
        Pixels::check_size(width, height)?;
    }
    Ok(header)
}

fn cut_off(format: &str) -> Error {
    Error::ImageDecode { reason: format!("the {format} file is cut off; copy or download it again") }
}

fn damaged(format: &str, what: &str) -> Error {
    Error::ImageDecode { reason: format!("the {format} file is damaged: {what}") }
}

fn animated(format: &str) -> Error {
    Error::ImageDecode { reason: format!("the {format} file is animated; give a single frame of it") }
}
