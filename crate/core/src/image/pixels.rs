//! A decoded image: eight-bit RGB, rows from the top, no padding.

use rekindle_kernel::onto_white;

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
        let rgb = onto_white(rgba);
        Ok(Self { width, height, rgb })
    }

    /// Whether an image may have this size; no memory is taken.
    ///
    /// # Errors
    /// `IMAGE_SHAPE` where a side is zero or the image is over [`MAX_PIXELS`].
    pub fn check_size(width: u32, height: u32) -> Result<()> {
        let pixels = u64::from(width) * u64::from(height);
        let refuse = |reason| Err(Error::ImageShape { width, height, reason });
        if pixels == 0 {
            return refuse("a side is zero".into());
        }
        if pixels > MAX_PIXELS {
            return refuse(format!("more than {} megapixels", MAX_PIXELS / 1_000_000));
        }
        Ok(())
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
        self.colours().iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
    }

    /// The image upright, from the way it lies in the file: Exif's `Orientation` (tag 0x0112) of 1 to 8. Any other
    /// value leaves it as it is.
    pub fn oriented(self, exif_orientation: u8) -> Self {
        if !(2..=8).contains(&exif_orientation) {
            return self;
        }
        let (width, height) = (self.width as usize, self.height as usize);
        let (right, bottom) = (width - 1, height - 1);
        // Where the pixel at column x and row y of the upright image lies in the file.
        let place = |x: usize, y: usize| match exif_orientation {
            2 => (right - x, y),
            3 => (right - x, bottom - y),
            4 => (x, bottom - y),
            5 => (y, x),
            6 => (y, bottom - x),
            7 => (right - y, bottom - x),
            _ => (right - y, x),
        };
        let (across, down) = if exif_orientation < 5 { (width, height) } else { (height, width) };
        let file = self.colours();
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..down {
            for x in 0..across {
                let (column, row) = place(x, y);
                rgb.extend(file.get(row * width + column).into_iter().flatten());
            }
        }
        Self { width: across as u32, height: down as u32, rgb }
    }

    /// The colours, row by row.
    pub(super) fn colours(&self) -> &[[u8; 3]] {
        self.rgb.as_chunks().0
    }

    /// The colours, row by row, to change.
    pub(super) fn colours_mut(&mut self) -> &mut [[u8; 3]] {
        self.rgb.as_chunks_mut().0
    }
}

#[cfg(test)]
impl Pixels {
    /// Decodes a PNG file of the golden values.
    pub(super) fn golden(png: &[u8]) -> Self {
        let image = image::load_from_memory(png).unwrap().into_rgb8();
        Self::from_rgb(image.width(), image.height(), image.into_raw()).unwrap()
    }

    /// The largest difference of two images of one size in any value.
    pub(super) fn distance(&self, other: &Self) -> u8 {
        assert_eq!((self.width, self.height), (other.width, other.height));
        self.rgb.iter().zip(&other.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    }
}

fn check(width: u32, height: u32, bytes: usize, channels: u64) -> Result<()> {
    Pixels::check_size(width, height)?;
    let needed = u64::from(width) * u64::from(height) * channels;
    if bytes as u64 != needed {
        let reason = format!("{bytes} bytes were given where {needed} are needed");
        return Err(Error::ImageShape { width, height, reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image whose red values are the given letters.
    fn letters(width: u32, height: u32, letters: &str) -> Pixels {
        Pixels::from_rgb(width, height, letters.bytes().flat_map(|letter| [letter, 0, 255]).collect())
            .unwrap()
    }

    #[test]
    fn keeps_rgb_and_gives_opaque_rgba() {
        let pixels = Pixels::from_rgb(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (2, 1));
        assert_eq!(pixels.rgb(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(pixels.to_rgba(), [1, 2, 3, 255, 4, 5, 6, 255]);
        assert_eq!(Pixels::from_rgba(2, 1, &pixels.to_rgba()).unwrap(), pixels);
    }

    #[test]
    fn lays_alpha_onto_white() {
        // Transparent is white whatever its colour; 128 of 255 is 127 + 100 * 128 / 255 = 177.2.
        let rgba = [9, 99, 199, 0, 100, 0, 255, 128, 10, 20, 30, 255];
        let pixels = Pixels::from_rgba(3, 1, &rgba).unwrap();
        assert_eq!(pixels.rgb(), [255, 255, 255, 177, 127, 255, 10, 20, 30]);
    }

    #[test]
    fn refuses_sizes_that_cannot_be() {
        for (width, height, bytes, part) in [
            (0, 5, 0, "zero"),
            (5, 0, 0, "zero"),
            (10_001, 10_000, 3, "100 megapixels"),
            (u32::MAX, u32::MAX, 3, "100 megapixels"),
            (2, 2, 11, "11 bytes were given where 12 are needed"),
        ] {
            let error = Pixels::from_rgb(width, height, vec![0; bytes]).unwrap_err();
            assert_eq!(error.code(), "IMAGE_SHAPE");
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(Pixels::from_rgba(2, 2, &[0; 12]).unwrap_err().code(), "IMAGE_SHAPE");
        assert_eq!(Pixels::check_size(10_000, 10_000), Ok(()));
    }

    #[test]
    fn turns_upright_from_every_exif_orientation() {
        // What the camera saw is "abc/def"; each line is how the file has it (Exif 2.32, 4.6.4 A, Orientation).
        for (orientation, width, file) in [
            (1, 3, "abcdef"),
            (2, 3, "cbafed"),
            (3, 3, "fedcba"),
            (4, 3, "defabc"),
            (5, 2, "adbecf"),
            (6, 2, "cfbead"),
            (7, 2, "fcebda"),
            (8, 2, "daebfc"),
        ] {
            let upright = letters(width, 6 / width, file).oriented(orientation);
            assert_eq!(upright, letters(3, 2, "abcdef"), "orientation {orientation}");
        }
    }

    #[test]
    fn leaves_unknown_orientations_alone() {
        for orientation in [0, 9, 255] {
            assert_eq!(letters(3, 2, "abcdef").oriented(orientation), letters(3, 2, "abcdef"));
        }
    }
}
