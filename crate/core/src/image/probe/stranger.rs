//! Files that are no image that can be read: what they look like, for a message that helps.

use crate::error::Error;

/// First bytes of formats that people mistake for photos, and what they are.
const BEGINNINGS: [(&[u8], &str); 14] = [
    (b"%PDF", "a PDF document"),
    (b"II*\0", "a TIFF or camera raw file"),
    (b"MM\0*", "a TIFF or camera raw file"),
    (b"II+\0", "a TIFF file"),
    (b"MM\0+", "a TIFF file"),
    (b"8BPS", "a Photoshop file"),
    (b"\0\0\x01\0", "an icon file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x1a\x45\xdf\xa3", "a video (WebM or Matroska)"),
    (b"RIFF", "a sound or video file"),
];

/// How much of a file is read to tell whether it is text.
const TEXT_SAMPLE: usize = 1024;

/// The error for bytes that begin like no image that can be read.
pub(super) fn refused(bytes: &[u8]) -> Error {
    let known = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    let looks = known.map(|&(_, name)| name).or_else(|| text(bytes));
    let reason = match looks {
        Some(name) => format!("it is not a photo but looks like {name}; give a JPEG, PNG or WebP file"),
        None => "it is not an image of a known format; give a JPEG, PNG or WebP file".into(),
    };
    Error::ImageDecode { reason }
}

/// What kind of text it is, if it is text at all.
fn text(bytes: &[u8]) -> Option<&'static str> {
    let sample = bytes.get(..TEXT_SAMPLE).unwrap_or(bytes);
    let text = match std::str::from_utf8(sample) {
        Ok(text) => text,
        // The sample may end within a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(sample.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let control = |c: char| c.is_control() && !c.is_whitespace();
    if text.is_empty() || text.contains(control) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("<svg") {
        Some("an SVG drawing")
    } else if lower.contains("<!doctype html") || lower.contains("<html") {
        Some("a web page")
    } else {
        Some("a text file")
    }
}
