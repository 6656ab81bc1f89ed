//! BMP: the file header and the bitmap header behind it (Microsoft, Bitmap Storage).

use super::bytes::{array, u16_le, u32_le};
use super::{Header, cut_off};
use crate::error::Result;

const NAME: &str = "BMP";
/// Lengths of the bitmap headers that exist; the first has sides of 16 bits.
const HEADER_LENGTHS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

/// Whether this is a BMP file: two letters are little, so the length of the bitmap header must fit too.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM") && u32_le(bytes, 14).is_some_and(|length| HEADER_LENGTHS.contains(&length))
}

/// Reads both headers and compares the length that the file states with what there is.
pub(super) fn read(bytes: &[u8]) -> Result<Header> {
    let size = sides(bytes).ok_or_else(|| cut_off(NAME))?;
    let stated = u32_le(bytes, 2).ok_or_else(|| cut_off(NAME))?;
    let pixels = u32_le(bytes, 10).ok_or_else(|| cut_off(NAME))?;
    // Some writers leave the length zero; the pixels then lie behind their stated place.
    if (bytes.len() as u64) < u64::from(stated).max(u64::from(pixels) + 1) {
        return Err(cut_off(NAME));
    }
    Ok(Header::new("bmp", Some(size), None))
}

/// Width and height; a negative height means that the rows run from the top.
fn sides(bytes: &[u8]) -> Option<[u32; 2]> {
    if u32_le(bytes, 14)? == HEADER_LENGTHS[0] {
        return Some([u16_le(bytes, 18)?.into(), u16_le(bytes, 20)?.into()]);
    }
    let side = |at| array(bytes, at).map(|side| i32::from_le_bytes(side).unsigned_abs());
    Some([side(18)?, side(22)?])
}
