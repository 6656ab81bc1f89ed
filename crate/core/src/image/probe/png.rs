//! PNG: chunks (W3C, Portable Network Graphics, third edition, section 5).

use super::bytes::{array, slice, u32_be};
use super::{Header, animated, cut_off, damaged, exif};
use crate::error::Result;

const NAME: &str = "PNG";
/// Length of the signature.
const SIGNATURE: usize = 8;

/// Walks the chunks up to `IEND`.
pub(super) fn read(bytes: &[u8]) -> Result<Header> {
    let (mut size, mut orientation, mut picture) = (None, None, false);
    let mut at = SIGNATURE;
    loop {
        let (kind, data, after) = chunk(bytes, at).ok_or_else(|| cut_off(NAME))?;
        at = after;
        match &kind {
            b"IHDR" => size = u32_be(data, 0).zip(u32_be(data, 4)).map(|(width, height)| [width, height]),
            _ if size.is_none() => return Err(damaged(NAME, "it does not begin with its size")),
            // Behind the picture the chunk means nothing.
            b"acTL" if !picture && u32_be(data, 0).is_some_and(|frames| frames > 1) => {
                return Err(animated(NAME));
            }
            b"IDAT" => picture = true,
            b"eXIf" => orientation = exif::orientation(data),
            b"IEND" => break,
            _ => {}
        }
    }
    if !picture {
        return Err(damaged(NAME, "there is no picture in it"));
    }
    Ok(Header::new("png", size, orientation))
}

/// The chunk at a place: its kind, its data and the place behind its checksum.
fn chunk(bytes: &[u8], at: usize) -> Option<([u8; 4], &[u8], usize)> {
    let length = u32_be(bytes, at)? as usize;
    let kind = array(bytes, at + 4)?;
    let data = slice(bytes, at + 8, length)?;
    let checksum = at + 8 + length;
    array::<4>(bytes, checksum)?;
    Some((kind, data, checksum + 4))
}
