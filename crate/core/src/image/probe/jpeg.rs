//! JPEG: markers and segments (ITU-T T.81, annex B).

use super::bytes::{slice, u16_be};
use super::{Header, cut_off, damaged, exif};
use crate::error::Result;

const NAME: &str = "JPEG";
const END: u8 = 0xd9;
const APP1: u8 = 0xe1;

/// Walks the markers up to the end of the image. Phones append data of their own behind it, and thumbnails lie inside
/// segments: neither is looked at.
pub(super) fn read(bytes: &[u8]) -> Result<Header> {
    let (mut size, mut orientation) = (None, None);
    let mut at = 2;
    loop {
        let (marker, after) = next_marker(bytes, at).ok_or_else(|| cut_off(NAME))?;
        at = after;
        if marker == END {
            break;
        }
        // Restart markers, a second start and TEM stand alone.
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        let length = u16_be(bytes, at).ok_or_else(|| cut_off(NAME))?;
        let body =
            usize::from(length).checked_sub(2).ok_or_else(|| damaged(NAME, "a segment has no length"))?;
        let segment = slice(bytes, at + 2, body).ok_or_else(|| cut_off(NAME))?;
        if is_frame(marker) && size.is_none() {
            let side = |at| u16_be(segment, at).ok_or_else(|| damaged(NAME, "its frame header is too short"));
            size = Some([side(3)?.into(), side(1)?.into()]);
        } else if marker == APP1 && orientation.is_none() && segment.starts_with(b"Exif\0\0") {
            orientation = exif::orientation(segment);
        }
        at += 2 + body;
    }
    if size.is_none() {
        return Err(damaged(NAME, "there is no picture in it"));
    }
    Ok(Header::new("jpeg", size, orientation))
}

/// The next marker and the place behind it; what is skipped is coded data, in which `0xff 0x00` stands for a `0xff`.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        match bytes.get(at + 1)? {
            0x00 => at += 2,
            0xff => at += 1,
            &marker => return Some((marker, at + 2)),
        }
    }
}

/// Whether a marker begins a frame (SOF); three of the range are tables.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}
