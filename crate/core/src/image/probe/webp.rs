//! WebP: RIFF chunks (RFC 9649).

use super::bytes::{array, slice, u16_le, u32_le};
use super::{Header, animated, cut_off, damaged, exif};
use crate::error::Result;

const NAME: &str = "WebP";
/// Length of `RIFF`, the size and `WEBP`.
const PREAMBLE: usize = 12;

/// Walks the chunks inside the size that the file states.
pub(super) fn read(bytes: &[u8]) -> Result<Header> {
    let stated = u32_le(bytes, 4).ok_or_else(|| cut_off(NAME))? as usize;
    let file = slice(bytes, 0, stated.saturating_add(8)).ok_or_else(|| cut_off(NAME))?;
    let (mut size, mut orientation, mut frames) = (None, None, 0);
    let mut at = PREAMBLE;
    while at < file.len() {
        let (kind, data) = chunk(file, at).ok_or_else(|| damaged(NAME, "a chunk is longer than the file"))?;
        match &kind {
            b"VP8 " | b"VP8L" | b"VP8X" if size.is_none() => {
                size = Some(sides(&kind, data).ok_or_else(|| damaged(NAME, "its size cannot be read"))?);
            }
            b"ANMF" if frames == 1 => return Err(animated(NAME)),
            b"ANMF" => frames += 1,
            b"EXIF" => orientation = exif::orientation(data),
            _ => {}
        }
        // Chunks begin at even places.
        at += 8 + data.len() + data.len() % 2;
    }
    if size.is_none() {
        return Err(damaged(NAME, "there is no picture in it"));
    }
    Ok(Header::new("webp", size, orientation))
}

fn chunk(file: &[u8], at: usize) -> Option<([u8; 4], &[u8])> {
    let length = u32_le(file, at + 4)? as usize;
    Some((array(file, at)?, slice(file, at + 8, length)?))
}

/// Width and height from the chunk that a picture begins with: lossy, lossless, or the canvas of an extended file.
fn sides(kind: &[u8; 4], data: &[u8]) -> Option<[u32; 2]> {
    const FOURTEEN_BITS: u32 = 0x3fff;
    match kind {
        b"VP8 " => {
            array(data, 3).filter(|start| start == &[0x9d, 0x01, 0x2a])?;
            let side = |at| u16_le(data, at).map(|side| u32::from(side) & FOURTEEN_BITS);
            Some([side(6)?, side(8)?])
        }
        b"VP8L" => {
            array(data, 0).filter(|signature| signature == &[0x2f])?;
            let packed = u32_le(data, 1)?;
            Some([(packed & FOURTEEN_BITS) + 1, (packed >> 14 & FOURTEEN_BITS) + 1])
        }
        _ => {
            let side = |at| array(data, at).map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]) + 1);
            Some([side(4)?, side(7)?])
        }
    }
}
