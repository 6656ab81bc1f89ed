//! A decoded image: eight-bit RGB, rows from the top, no padding.

use crate::error::{Error, Result};

/// The largest image that is accepted, in pixels: above it a browser tab runs out of memory while decoding.
pub const MAX_PIXELS: u64 = 100_000_000;

/// A decoded image: eight-bit RGB, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Pixels {
    /// Takes RGB bytes, three a pixel.
    ///
    /// # Errors
    /// `IMAGE_SHAPE` where a side is zero, the image is over [`MAX_PIXELS`] or the byte count is not `width * height * 3`.
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self> {
        check(width, height, rgb.len(), 3)?;
        Ok(Self { width, height, rgb })
    }

    /// Takes RGBA bytes with straight alpha, four a pixel, and lays them onto white.
    ///
    /// # Errors
    /// As [`Pixels::from_rgb`], with four bytes a pixel.
    pub fn from_rgba(width: u32, height: u32, rgba: &[u8]) -> Result<Self> {
        check(width, height, rgba.len(), 4)?;
        let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
        for pixel in rgba.chunks_exact(4) {
            if let [r, g, b, a] = *pixel {
                rgb.extend([r, g, b].map(|channel| onto_white(channel, a)));
            }
        }
        Ok(Self { width, height, rgb })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes, three a pixel.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The bytes, four a pixel and opaque, as a canvas takes them.
    pub fn to_rgba(&self) -> Vec<u8> {
        self.rgb.chunks_exact(3).flat_map(|p| p.iter().copied().chain([255])).collect()
    }
}

/// Rounded `channel * alpha + white * (1 - alpha)` in eight bits.
fn onto_white(channel: u8, alpha: u8) -> u8 {
    let (c, a) = (u32::from(channel), u32::from(alpha));
    ((c * a + 255 * (255 - a) + 127) / 255) as u8
}

fn check(width: u32, height: u32, bytes: usize, channels: u64) -> Result<()> {
    let pixels = u64::from(width) * u64::from(height);
    let refuse = |reason: String| Err(Error::ImageShape { width, height, reason });
    if pixels == 0 {
        return refuse("a side is zero".into());
    }
    if pixels > MAX_PIXELS {
        return refuse(format!("more than {} megapixels", MAX_PIXELS / 1_000_000));
    }
    if bytes as u64 != pixels * channels {
        return refuse(format!("{bytes} bytes were given where {} are needed", pixels * channels));
    }
    Ok(())
}
