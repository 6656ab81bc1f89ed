//! GIF: blocks (CompuServe, GIF89a specification).

use super::bytes::u16_le;
use super::{Header, animated, cut_off, damaged};
use crate::error::Result;

const NAME: &str = "GIF";
const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2c;
const TRAILER: u8 = 0x3b;

/// Walks the blocks up to the trailer.
pub(super) fn read(bytes: &[u8]) -> Result<Header> {
    let missing = || cut_off(NAME);
    let width = u16_le(bytes, 6).ok_or_else(missing)?;
    let height = u16_le(bytes, 8).ok_or_else(missing)?;
    let flags = *bytes.get(10).ok_or_else(missing)?;
    let mut at = 13 + palette(flags);
    let mut frames = 0;
    loop {
        at = match *bytes.get(at).ok_or_else(missing)? {
            EXTENSION => sub_blocks(bytes, at + 2).ok_or_else(missing)?,
            FRAME if frames == 1 => return Err(animated(NAME)),
            FRAME => {
                frames += 1;
                let flags = *bytes.get(at + 9).ok_or_else(missing)?;
                // A byte with the width of the codes lies between the palette and the data.
                sub_blocks(bytes, at + 10 + palette(flags) + 1).ok_or_else(missing)?
            }
            TRAILER => break,
            _ => return Err(damaged(NAME, "a block is of no known kind")),
        };
    }
    if frames == 0 {
        return Err(damaged(NAME, "there is no picture in it"));
    }
    Ok(Header::new("gif", Some([width.into(), height.into()]), None))
}

/// Length in bytes of the palette that the flags announce.
fn palette(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The place behind a run of sub-blocks, each led by its length; one of length zero ends the run.
fn sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
