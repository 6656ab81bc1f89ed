//! What is done to a vector or two of numbers at a time. LLVM would make WebAssembly of it that takes them one by one.

pub use here::{add_squares, extend, factors, nearest, nearest_making_good};

/// Pixels whose factors are computed together.
pub const PIXELS: usize = 4;

#[cfg(target_arch = "wasm32")]
mod here {
    use core::arch::wasm32::*;
    use core::mem::transmute;

    use super::PIXELS;
    use crate::integer::{Extent, INPUT_NORM, MADE_GOOD, PAIRS, Pair, ROUND};
    use crate::{PANEL, Quarters};

    #[inline(always)]
    fn halves(numbers: &[f32; PANEL]) -> [v128; 2] {
        // SAFETY: eight numbers are two vectors; v128.load takes any alignment.
        unsafe { [v128_load(numbers.as_ptr().cast()), v128_load(numbers.as_ptr().add(4).cast())] }
    }

    #[inline(always)]
    fn pairs([first, second]: [v128; 2]) -> [Pair; PAIRS] {
        // SAFETY: both are sixteen bytes of whole numbers.
        unsafe { transmute::<v128, [Pair; PAIRS]>(i16x8_narrow_i32x4(first, second)) }
    }

    /// Adds the squares of a pixel's numbers.
    #[inline(always)]
    pub fn add_squares(numbers: &[f32; PANEL], squares: &mut Quarters) {
        let [first, second] = halves(numbers).map(|half| f32x4_mul(half, half));
        let squares = squares.as_mut_ptr().cast();
        // SAFETY: four numbers are a vector.
        unsafe { v128_store(squares, f32x4_add(v128_load(squares), f32x4_add(first, second))) }
    }

    /// What the numbers of pixels with these squares are multiplied with before they are rounded, and what one is then worth.
    /// Where they are next to zero, they may all become zeros.
    #[inline(always)]
    pub fn factors(squares: &[Quarters; PIXELS]) -> ([f32; PIXELS], [f32; PIXELS]) {
        // SAFETY: four numbers are a vector; v128.load takes any alignment.
        let [a, b, c, d] = squares.each_ref().map(|quarters| unsafe { v128_load(quarters.as_ptr().cast()) });
        // Two of the quarters of each, and then all of them.
        let [ab, cd] = [(a, b), (c, d)]
            .map(|(a, b)| f32x4_add(i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b)));
        let sums = f32x4_add(i32x4_shuffle::<0, 1, 4, 5>(ab, cd), i32x4_shuffle::<2, 3, 6, 7>(ab, cd));
        let norms = f32x4_sqrt(f32x4_pmax(sums, f32x4_splat(f32::MIN_POSITIVE)));
        let both =
            [f32x4_div(f32x4_splat(INPUT_NORM), norms), f32x4_mul(norms, f32x4_splat(1.0 / INPUT_NORM))];
        // SAFETY: a vector is four numbers.
        let [factors, scales] = both.map(|vector| unsafe { transmute::<v128, [f32; PIXELS]>(vector) });
        (factors, scales)
    }

    /// Extends the extent of weights to more of them.
    #[inline(always)]
    pub fn extend(weights: &[f32; PANEL], extent: &mut Extent) {
        let zero = f32x4_splat(0.0);
        let [above, below, largest] = [&mut extent.above, &mut extent.below, &mut extent.largest]
            .map(|lanes| lanes.as_mut_ptr().cast::<v128>());
        for half in halves(weights) {
            // SAFETY: four numbers are a vector; v128.load and v128.store take any alignment.
            unsafe {
                v128_store(above, f32x4_add(v128_load(above), f32x4_mul(f32x4_pmax(half, zero), half)));
                v128_store(below, f32x4_add(v128_load(below), f32x4_mul(f32x4_pmin(half, zero), half)));
                v128_store(largest, f32x4_pmax(v128_load(largest), f32x4_abs(half)));
            }
        }
    }

    /// The whole numbers that are nearest to multiples of a pixel's numbers.
    #[inline(always)]
    pub fn nearest(numbers: &[f32; PANEL], factor: f32) -> [Pair; PAIRS] {
        let (factor, round) = (f32x4_splat(factor), f32x4_splat(ROUND));
        pairs(halves(numbers).map(|half| i32x4_sub(f32x4_add(f32x4_mul(half, factor), round), round)))
    }

    /// The same of weights; `off` is by how much those before them are too large together, for each of the eight.
    #[inline(always)]
    pub fn nearest_making_good(numbers: &[f32; PANEL], factor: f32, off: &mut [f32; PANEL]) -> [Pair; PAIRS] {
        let (factor, round, good) = (f32x4_splat(factor), f32x4_splat(ROUND), f32x4_splat(MADE_GOOD));
        let [first, second] = halves(numbers).map(|half| f32x4_mul(half, factor));
        let [mut before, mut after] = halves(off);
        let whole = [(first, &mut before), (second, &mut after)].map(|(exact, off)| {
            let rounded = f32x4_add(f32x4_sub(exact, f32x4_mul(*off, good)), round);
            *off = f32x4_add(*off, f32x4_sub(f32x4_sub(rounded, round), exact));
            i32x4_sub(rounded, round)
        });
        // SAFETY: eight numbers are two vectors.
        unsafe {
            v128_store(off.as_mut_ptr().cast(), before);
            v128_store(off.as_mut_ptr().add(4).cast(), after);
        }
        pairs(whole)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod here {
    use super::PIXELS;
    use crate::integer::{Extent, INPUT_NORM, MADE_GOOD, PAIRS, Pair, ROUND};
    use crate::{PANEL, Quarters};

    fn pairs([a, b, c, d, e, f, g, h]: [f32; PANEL]) -> [Pair; PAIRS] {
        [[a, b], [c, d], [e, f], [g, h]].map(|pair| pair.map(|rounded| rounded.to_bits() as i16))
    }

    pub fn add_squares(numbers: &[f32; PANEL], squares: &mut Quarters) {
        for (at, number) in numbers.iter().enumerate() {
            squares[at % 4] += number * number;
        }
    }

    pub fn factors(squares: &[Quarters; PIXELS]) -> ([f32; PIXELS], [f32; PIXELS]) {
        let norms = squares.map(|quarters| {
            let sum: f32 = quarters.iter().sum();
            if sum < f32::MIN_POSITIVE { f32::MIN_POSITIVE.sqrt() } else { sum.sqrt() }
        });
        (norms.map(|norm| INPUT_NORM / norm), norms.map(|norm| norm / INPUT_NORM))
    }

    pub fn extend(weights: &[f32; PANEL], extent: &mut Extent) {
        for (at, weight) in weights.iter().enumerate() {
            extent.above[at % 4] += weight.max(0.0) * weight;
            extent.below[at % 4] += weight.min(0.0) * weight;
            extent.largest[at % 4] = extent.largest[at % 4].max(weight.abs());
        }
    }

    pub fn nearest(numbers: &[f32; PANEL], factor: f32) -> [Pair; PAIRS] {
        pairs(numbers.map(|number| number * factor + ROUND))
    }

    pub fn nearest_making_good(numbers: &[f32; PANEL], factor: f32, off: &mut [f32; PANEL]) -> [Pair; PAIRS] {
        let mut rounded = [0.0; PANEL];
        for ((rounded, number), off) in rounded.iter_mut().zip(numbers).zip(off) {
            let exact = number * factor;
            *rounded = exact - *off * MADE_GOOD + ROUND;
            *off += *rounded - ROUND - exact;
        }
        pairs(rounded)
    }
}
