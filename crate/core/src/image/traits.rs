//! What pixels tell without a network: whether two images are the same or almost, and whether one shows anything.

use rekindle_kernel::CropBox;

use super::{Pixels, resample::resample};
use crate::error::{Error, Result};

/// Cells across and down of the grid that a hash is made of.
const GRID: usize = 9;
/// Bits in which the hashes of two versions of one image may differ. Of the 190 photos of `cutout` no two differ in fewer
/// than 8; within 6 are 187 of them and their half-sized versions, 181 at half size and JPEG quality 40, 185 with 20
/// levels more brightness, and 164 with 2% cut off on each side.
const MOST_DIFFERENT_BITS: u32 = 6;
/// Levels of 255 that two cells must differ by to count as different: what lies below is noise of the compression.
const STEP: f32 = 2.0;
/// Standard deviation of the brightness, in levels of 255, below which an image shows nothing.
const BLANK: f32 = 4.0;
/// Weights of red, green and blue in the brightness (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Size, digest, perceptual hash and contrast of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traits {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Standard deviation of the brightness, in levels of 255.
    pub contrast: f32,
    /// Equal for equal pixels, and in practice for no others.
    digest: u64,
    /// Of each cell of a coarse grid, whether it is darker than its neighbour to the right, and below: `dHash` (Krawetz 2013,
    /// "Kind of like that"), in both directions.
    hash: u128,
}

impl Traits {
    /// Looks at an image.
    ///
    /// # Errors
    /// As resizing it does: `INTERNAL`.
    pub fn of(image: &Pixels) -> Result<Self> {
        let (width, height) = (image.width(), image.height());
        let whole = CropBox { left: 0.0, top: 0.0, width: width.into(), height: height.into() };
        let cells = resample(image, whole, GRID as u32, GRID as u32)?;
        let hash = hash(&cells.colours().iter().map(brightness).collect::<Vec<_>>());
        Ok(Self { width, height, contrast: contrast(image), digest: digest(image.rgb()), hash })
    }

    /// The same as bytes, for another worker.
    pub fn to_bytes(self) -> Vec<u8> {
        let numbers = [self.width.to_le_bytes(), self.height.to_le_bytes(), self.contrast.to_le_bytes()];
        [&numbers.concat()[..], &self.digest.to_le_bytes(), &self.hash.to_le_bytes()].concat()
    }

    /// What [`Traits::to_bytes`] gave.
    ///
    /// # Errors
    /// `INTERNAL` for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let read = |bytes: &[u8]| {
            let (width, rest) = bytes.split_first_chunk()?;
            let (height, rest) = rest.split_first_chunk()?;
            let (contrast, rest) = rest.split_first_chunk()?;
            let (digest, rest) = rest.split_first_chunk()?;
            Some(Self {
                width: u32::from_le_bytes(*width),
                height: u32::from_le_bytes(*height),
                contrast: f32::from_le_bytes(*contrast),
                digest: u64::from_le_bytes(*digest),
                hash: u128::from_le_bytes(rest.try_into().ok()?),
            })
        };
        read(bytes).ok_or_else(|| Error::Internal { reason: "traits have another length".into() })
    }

    /// Whether it is one even area: a lens cap, a wall, a missing file.
    pub fn is_blank(&self) -> bool {
        self.contrast < BLANK
    }

    /// Whether both are the same pixels.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.digest, self.width, self.height) == (other.digest, other.width, other.height)
    }

    /// Whether both are the same picture: equal, or another size, quality or brightness of it, or the next moment of a
    /// film. Blank images are like no others.
    pub fn is_near(&self, other: &Self) -> bool {
        let blank = self.is_blank() || other.is_blank();
        self.is_same(other) || !blank && self.difference(other) <= MOST_DIFFERENT_BITS
    }

    /// Bits of 128 in which the hashes differ.
    pub fn difference(&self, other: &Self) -> u32 {
        (self.hash ^ other.hash).count_ones()
    }
}

fn brightness(colour: &[u8; 3]) -> f32 {
    colour.iter().zip(LUMA).map(|(value, weight)| f32::from(*value) * weight).sum()
}

/// Standard deviation of the brightness.
fn contrast(image: &Pixels) -> f32 {
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    for value in image.colours().iter().map(brightness).map(f64::from) {
        sum += value;
        squares += value * value;
    }
    let count = image.colours().len() as f64;
    (squares / count - (sum / count).powi(2)).max(0.0).sqrt() as f32
}

/// The comparisons to the right, then those to below, of the first eight rows and columns.
fn hash(cells: &[f32]) -> u128 {
    let darker = |place: usize, other: usize| match (cells.get(place), cells.get(other)) {
        (Some(cell), Some(next)) => u128::from(cell + STEP < *next),
        _ => 0,
    };
    let places = || (0..GRID - 1).flat_map(|a| (0..GRID - 1).map(move |b| a * GRID + b));
    let right = places().map(|place| darker(place, place + 1));
    let below = places().map(|place| darker(place, place + GRID));
    right.chain(below).fold(0, |bits, bit| bits << 1 | bit)
}

/// A hash of bytes, eight at a time: each is multiplied in by the constant of SplitMix64, and the upper half folded down.
fn digest(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words.chain(rest.iter().map(|byte| u64::from(*byte))).fold(bytes.len() as u64, |state, word| {
        let mixed = (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 32)
    })
}
