//! AVIF and HEIC: boxes of the ISO base media file format (ISO/IEC 14496-12) and of the images in it (23008-12).

use super::bytes::{array, slice, u32_be};
use super::{Header, animated, cut_off};
use crate::error::{Error, Result};

/// Length of the version and flags that a full box begins with.
const VERSION: usize = 4;

/// Walks the boxes. Only their outlines are read; the size is that of the largest picture in the file, for it may hold
/// thumbnails and the tiles that the picture is laid from.
pub(super) fn read(bytes: &[u8]) -> Result<Header> {
    let missing = || cut_off("AVIF or HEIC");
    let (_, brands) = Boxes(bytes).next().flatten().ok_or_else(missing)?;
    let format = format(brands)?;
    let (mut size, mut data) = (None, false);
    for found in Boxes(bytes) {
        let (kind, body) = found.ok_or_else(missing)?;
        if &kind == b"meta" {
            let meta = body.get(VERSION..).unwrap_or_default();
            size = largest(meta);
            data |= child(meta, b"idat").is_some();
        }
        data |= &kind == b"mdat";
    }
    if !data {
        return Err(missing());
    }
    Ok(Header::new(format, size, None))
}

/// The format that the brands of the `ftyp` box name; the first is the major one, the second a version.
fn format(brands: &[u8]) -> Result<&'static str> {
    let (brands, _) = brands.as_chunks::<4>();
    match brands.first() {
        Some(b"avis") => return Err(animated("AVIF")),
        Some(b"msf1" | b"hevc" | b"hevx" | b"hevm" | b"hevs") => return Err(animated("HEIC")),
        _ => {}
    }
    let has = |names: &[&[u8; 4]]| brands.iter().any(|brand| names.contains(&brand));
    if has(&[b"avif"]) {
        Ok("avif")
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"mif1"]) {
        Ok("heic")
    } else {
        let reason = "it is a video (MP4 or QuickTime), not an image; give a frame of it".into();
        Err(Error::ImageDecode { reason })
    }
}

/// The largest of the spatial extents (`ispe`) among the properties of a `meta` box.
fn largest(meta: &[u8]) -> Option<[u32; 2]> {
    let properties = child(child(meta, b"iprp")?, b"ipco")?;
    Boxes(properties)
        .flatten()
        .filter(|(kind, _)| kind == b"ispe")
        .filter_map(|(_, body)| Some([u32_be(body, VERSION)?, u32_be(body, VERSION + 4)?]))
        .max_by_key(|&[width, height]| u64::from(width) * u64::from(height))
}

/// The body of the first box of a kind.
fn child<'a>(boxes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    Boxes(boxes).flatten().find(|(found, _)| found == kind).map(|(_, body)| body)
}

/// The boxes that lie one behind the other: kind and body, or nothing for one that runs past the end, which is the last.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Option<([u8; 4], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let found = split_first(self.0);
        self.0 = found.map_or(&[], |(_, _, rest)| rest);
        Some(found.map(|(kind, body, _)| (kind, body)))
    }
}

/// The first box, as kind, body and what lies behind it.
fn split_first(bytes: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let kind = array(bytes, 4)?;
    let (head, length) = match u32_be(bytes, 0)? {
        // To the end of the file.
        0 => (8, bytes.len()),
        // The length did not fit into 32 bits and follows.
        1 => (16, usize::try_from(u64::from_be_bytes(array(bytes, 8)?)).ok()?),
        length => (8, length as usize),
    };
    let body = slice(bytes, head, length.checked_sub(head)?)?;
    Some((kind, body, bytes.get(length..)?))
}
