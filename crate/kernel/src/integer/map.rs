//! Maps in whole numbers.

use super::{PAIRS, Pair, lanes, part};
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
    // The others are `[parts][pixels]`, and are filled up to whole vectors.
    squares: Vec<Quarters>,
    /// What numbers are multiplied with before they are rounded, and what one is then worth.
    factors: Vec<f32>,
    scales: Vec<f32>,
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
        let len = (panels.div_ceil(part) * pixels).next_multiple_of(lanes::PIXELS);
        self.squares.resize(len, Quarters::default());
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
        let (panels, part) = (channels / PANEL, part(channels / PANEL));
        let len = panels * pixels * PAIRS;
        // All is written, so that it is made longer only.
        if self.values.len() < len {
            self.values.resize(len, Pair::default());
        }
        let values = self.values.split_at_mut(len).0;
        for vec in [&mut self.factors, &mut self.scales] {
            vec.resize(self.squares.len(), 0.0);
        }
        let factors = self.factors.as_chunks_mut().0.iter_mut().zip(self.scales.as_chunks_mut().0);
        for (squares, (factors, scales)) in self.squares.as_chunks().0.iter().zip(factors) {
            (*factors, *scales) = lanes::factors(squares);
        }
        for (panel, values) in values.chunks_exact_mut((pixels * PAIRS).max(1)).enumerate() {
            let factors = &self.factors[panel / part * pixels..];
            let panel = input[panel * stride..][..pixels * PANEL].as_chunks::<PANEL>().0;
            let values = values.as_chunks_mut::<PAIRS>().0;
            for ((pixel, factor), values) in panel.iter().zip(factors).zip(values) {
                *values = lanes::nearest(pixel, *factor);
            }
        }
        let scales = self.scales.split_at(panels.div_ceil(part) * pixels).0;
        Rounded { values, stride: pixels * PAIRS, part, scales, pixels }
    }
}
