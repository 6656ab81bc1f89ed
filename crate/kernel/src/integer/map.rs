//! Maps in whole numbers.

use super::{INPUT_NORM, PAIRS, Pair};
use crate::{PANEL, Quarters};

/// A map in whole numbers, each pixel with a scale of its own.
#[derive(Debug, Clone, Copy)]
pub struct Rounded<'a> {
    /// `[channels / 8]` panels that begin `stride` pairs apart, each at least `[pixels][4]`.
    pub(super) values: &'a [Pair],
    pub(super) stride: usize,
    /// What one is worth, for each pixel.
    pub(super) scales: &'a [f32],
}

impl Rounded<'_> {
    /// The map from a pixel on; none where it ends before.
    pub fn from(self, pixel: usize) -> Option<Self> {
        Some(Self { values: self.values.get(pixel * PAIRS..)?, scales: self.scales.get(pixel..)?, ..self })
    }
}

/// Memory for a map in whole numbers.
#[derive(Debug, Default)]
pub struct Rounding {
    /// `[channels / 8][pixels][4]`.
    values: Vec<Pair>,
    scales: Vec<f32>,
    squares: Vec<Quarters>,
}

impl Rounding {
    /// Rounds a map, pixel by pixel.
    ///
    /// # Shapes
    /// `input`: `[channels / 8]` panels that begin `stride` numbers apart, each at least `[pixels][8]`
    ///
    /// # Panics
    /// Where the input is shorter than that.
    pub fn round(&mut self, input: &[f32], stride: usize, channels: usize, pixels: usize) -> Rounded<'_> {
        let squares = self.squares(pixels);
        for panel in 0..channels / PANEL {
            let panel = input[panel * stride..][..pixels * PANEL].as_chunks::<PANEL>().0;
            for (pixel, squares) in panel.iter().zip(&mut *squares) {
                lanes::add_squares(pixel, squares);
            }
        }
        self.round_squared(input, stride, channels, pixels)
    }

    /// Zeros, to which the squares of a map's numbers are to be added.
    pub fn squares(&mut self, pixels: usize) -> &mut [Quarters] {
        self.squares.clear();
        self.squares.resize(pixels, Quarters::default());
        &mut self.squares
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
        let len = channels / PANEL * pixels * PAIRS;
        // All is written, so that it is made longer only.
        if self.values.len() < len {
            self.values.resize(len, Pair::default());
        }
        let values = self.values.split_at_mut(len).0;
        self.scales.clear();
        self.scales.extend(self.squares.iter().take(pixels).map(factor));
        for (panel, values) in values.chunks_exact_mut((pixels * PAIRS).max(1)).enumerate() {
            let panel = input[panel * stride..][..pixels * PANEL].as_chunks::<PANEL>().0;
            let values = values.as_chunks_mut::<PAIRS>().0;
            for ((pixel, factor), values) in panel.iter().zip(&self.scales).zip(values) {
                *values = lanes::nearest(pixel, *factor);
            }
        }
        self.scales.iter_mut().for_each(|factor| *factor = factor.recip());
        Rounded { values, stride: pixels * PAIRS, scales: &self.scales }
    }
}

/// What numbers with this sum of squares are multiplied with before they are rounded. Where they are next to zero, they may
/// all become zeros.
fn factor(squares: &Quarters) -> f32 {
    let sum: f32 = squares.iter().sum();
    if sum < f32::MIN_POSITIVE { 1.0 } else { INPUT_NORM / sum.sqrt() }
}

/// What is done to all numbers of a map, for a pixel of a panel. LLVM would make WebAssembly of it that takes them one by one.
#[cfg(target_arch = "wasm32")]
mod lanes {
    use core::arch::wasm32::*;
    use core::mem::transmute;

    use crate::integer::{PAIRS, Pair, ROUND};
    use crate::{PANEL, Quarters};

    #[inline(always)]
    fn halves(numbers: &[f32; PANEL]) -> [v128; 2] {
        // SAFETY: eight numbers are two vectors; v128.load takes any alignment.
        unsafe { [v128_load(numbers.as_ptr().cast()), v128_load(numbers.as_ptr().add(4).cast())] }
    }

    #[inline(always)]
    pub fn add_squares(numbers: &[f32; PANEL], squares: &mut Quarters) {
        let [first, second] = halves(numbers).map(|half| f32x4_mul(half, half));
        let squares = squares.as_mut_ptr().cast();
        // SAFETY: four numbers are a vector.
        unsafe { v128_store(squares, f32x4_add(v128_load(squares), f32x4_add(first, second))) }
    }

    #[inline(always)]
    pub fn nearest(numbers: &[f32; PANEL], factor: f32) -> [Pair; PAIRS] {
        let (factor, round) = (f32x4_splat(factor), f32x4_splat(ROUND));
        let [first, second] =
            halves(numbers).map(|half| i32x4_sub(f32x4_add(f32x4_mul(half, factor), round), round));
        // SAFETY: both are sixteen bytes of whole numbers.
        unsafe { transmute::<v128, [Pair; PAIRS]>(i16x8_narrow_i32x4(first, second)) }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod lanes {
    use crate::integer::{self, PAIRS, Pair};
    use crate::{PANEL, Quarters};

    pub fn add_squares(numbers: &[f32; PANEL], squares: &mut Quarters) {
        for (at, number) in numbers.iter().enumerate() {
            squares[at % 4] += number * number;
        }
    }

    pub fn nearest(numbers: &[f32; PANEL], factor: f32) -> [Pair; PAIRS] {
        let [a, b, c, d, e, f, g, h] = numbers.map(|number| integer::nearest(number * factor));
        [[a, b], [c, d], [e, f], [g, h]]
    }
}
