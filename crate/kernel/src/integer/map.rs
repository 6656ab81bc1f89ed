//! Maps in whole numbers.

use super::{INPUT_NORM, PAIRS, Pair, lanes, part};
use crate::{PANEL, Quarters};

/// A map in whole numbers, each part of a pixel with a scale of its own.
#[derive(Debug, Clone, Copy)]
pub struct Rounded<'a> {
    /// `[channels / 8]` panels that begin `stride` pairs apart, each at least `[pixels][4]`.
    pub(super) values: &'a [Pair],
    pub(super) stride: usize,
    /// Panels of each part but the last.
    pub(super) part: usize,
    /// What one is worth: parts that begin `pixels` numbers apart.
    pub(super) scales: &'a [f32],
    pub(super) pixels: usize,
}

impl<'a> Rounded<'a> {
    /// The map from a pixel on; none where it ends before.
    pub fn from(self, pixel: usize) -> Option<Self> {
        Some(Self { values: self.values.get(pixel * PAIRS..)?, scales: self.scales.get(pixel..)?, ..self })
    }

    /// The panels after those of so many parts.
    pub(super) fn after_parts(self, parts: usize) -> &'a [Pair] {
        &self.values[parts * self.part * self.stride..]
    }
}

/// Memory for a map in whole numbers.
#[derive(Debug, Default)]
pub struct Rounding {
    /// `[channels / 8][pixels][4]`.
    values: Vec<Pair>,
    /// `[parts][pixels]`.
    scales: Vec<f32>,
    squares: Vec<Quarters>,
}

/// Where the squares of a map's numbers are added up.
#[derive(Debug)]
pub struct Squares<'a> {
    /// `[parts][pixels]`.
    sums: &'a mut [Quarters],
    pixels: usize,
    /// Panels of each part but the last.
    part: usize,
}

impl Squares<'_> {
    /// Those of the part in which a panel is, `[pixels]`.
    pub fn of(&mut self, panel: usize) -> &mut [Quarters] {
        &mut self.sums[panel / self.part * self.pixels..][..self.pixels]
    }
}

impl Rounding {
    /// Rounds a map, part by part of each pixel.
    ///
    /// # Shapes
    /// `input`: `[channels / 8]` panels that begin `stride` numbers apart, each at least `[pixels][8]`
    ///
    /// # Panics
    /// Where the input is shorter than that.
    pub fn round(&mut self, input: &[f32], stride: usize, channels: usize, pixels: usize) -> Rounded<'_> {
        let mut squares = self.squares(channels, pixels);
        for panel in 0..channels / PANEL {
            let values = input[panel * stride..][..pixels * PANEL].as_chunks::<PANEL>().0;
            for (pixel, squares) in values.iter().zip(squares.of(panel)) {
                lanes::add_squares(pixel, squares);
            }
        }
        self.round_squared(input, stride, channels, pixels)
    }

    /// Zeros, to which the squares of a map's numbers are to be added.
    pub fn squares(&mut self, channels: usize, pixels: usize) -> Squares<'_> {
        let (panels, part) = (channels / PANEL, part(channels / PANEL));
        self.squares.clear();
        self.squares.resize(panels.div_ceil(part) * pixels, Quarters::default());
        Squares { sums: &mut self.squares, pixels, part }
    }

    /// As [`Rounding::round`] where the squares of all numbers were added to [`Rounding::squares`].
    ///
    /// # Panics
    /// As there.
    pub fn round_squared(
        &mut self,
        input: &[f32],
        stride: usize,
        channels: usize,
        pixels: usize,
    ) -> Rounded<'_> {
        let (len, part) = (channels / PANEL * pixels * PAIRS, part(channels / PANEL));
        // All is written, so that it is made longer only.
        if self.values.len() < len {
            self.values.resize(len, Pair::default());
        }
        let values = self.values.split_at_mut(len).0;
        self.scales.clear();
        self.scales.extend(self.squares.iter().map(factor));
        for (panel, values) in values.chunks_exact_mut((pixels * PAIRS).max(1)).enumerate() {
            let factors = &self.scales[panel / part * pixels..];
            let panel = input[panel * stride..][..pixels * PANEL].as_chunks::<PANEL>().0;
            let values = values.as_chunks_mut::<PAIRS>().0;
            for ((pixel, factor), values) in panel.iter().zip(factors).zip(values) {
                *values = lanes::nearest(pixel, *factor);
            }
        }
        self.scales.iter_mut().for_each(|factor| *factor = factor.recip());
        Rounded { values, stride: pixels * PAIRS, part, scales: &self.scales, pixels }
    }
}

/// What numbers with this sum of squares are multiplied with before they are rounded. Where they are next to zero, they may
/// all become zeros.
fn factor(squares: &Quarters) -> f32 {
    let sum: f32 = squares.iter().sum();
    if sum < f32::MIN_POSITIVE { 1.0 } else { INPUT_NORM / sum.sqrt() }
}
