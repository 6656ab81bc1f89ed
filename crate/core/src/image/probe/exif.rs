//! The orientation in a block of Exif metadata, which is a small TIFF file.

use super::bytes::{slice, u16_be, u16_le, u32_be, u32_le};

/// Tag of `Orientation` (Exif 2.32, 4.6.4 A).
const ORIENTATION: u16 = 0x0112;
/// Type `SHORT`: 16 bits, kept in the entry itself.
const SHORT: u16 = 3;

/// The orientation, 1 to 8, of a TIFF block, with or without `Exif\0\0` before it; `None` where it has none.
pub(super) fn orientation(block: &[u8]) -> Option<u8> {
    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let big_endian = match tiff.get(..4)? {
        b"II*\0" => false,
        b"MM\0*" => true,
        _ => return None,
    };
    let u16_at = if big_endian { u16_be } else { u16_le };
    let u32_at = if big_endian { u32_be } else { u32_le };
    let directory = u32_at(tiff, 4)? as usize;
    let count = usize::from(u16_at(tiff, directory)?);
    let entries = slice(tiff, directory.checked_add(2)?, count * 12)?;
    let entry = entries
        .chunks_exact(12)
        .find(|entry| u16_at(entry, 0) == Some(ORIENTATION) && u16_at(entry, 2) == Some(SHORT))?;
    let value = u8::try_from(u16_at(entry, 8)?).ok()?;
    (1..=8).contains(&value).then_some(value)
}
