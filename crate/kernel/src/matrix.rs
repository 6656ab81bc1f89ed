//! The register tile of 1x1 convolutions and of the stem: a few pixels by eight channels stay in registers while all
//! input channels pass.

use super::simd::Lanes;

/// What is done to a sum before it is stored.
pub const LINEAR: u8 = 0;
/// Clamped to 0..=6.
pub const RELU6: u8 = 1;
/// Another map is added.
pub const ADD: u8 = 2;

/// A row of tiles: `out[pixel][8] = finish(bias[8] + sum over k of input[pixel][k] * weight[k][8])`.
///
/// Input `k` of a pixel is at `input + (k / depth) * step + pixel * STRIDE + k % depth`.
#[repr(C)]
pub struct Tiles {
    pub input: *const f32,
    /// Numbers from one chunk of `depth` inputs to the next.
    pub step: usize,
    pub chunks: usize,
    pub depth: usize,
    /// `[bias 8 | k x 8]`.
    pub weights: *const f32,
    pub out: *mut f32,
    /// Read for [`ADD`] only.
    pub add: *const f32,
    pub pixels: usize,
}

/// Computes all pixels, in tiles as even as they can be: a tile of one pixel waits for its own sums.
///
/// # Safety
/// The processor has the instructions of `L`, and for every pixel and `k` the addresses above are valid: `input` and
/// `weights` for reading, `out` for writing eight f32 a pixel, `add` for reading as many where `FINISH` is [`ADD`].
#[inline(always)]
pub unsafe fn run<L: Lanes, const STRIDE: usize, const FINISH: u8>(job: &Tiles) {
    let tiles = job.pixels.div_ceil(L::TILE);
    let Some(size) = job.pixels.checked_div(tiles) else { return };
    let larger = job.pixels % tiles;
    // SAFETY: the caller's contract; `larger * (size + 1) + (tiles - larger) * size` is `pixels`.
    unsafe {
        some::<L, STRIDE, FINISH>(job, size + 1, 0, larger);
        some::<L, STRIDE, FINISH>(job, size, larger * (size + 1), tiles - larger);
    }
}

/// Computes `count` tiles of `size` pixels from pixel `at` on.
///
/// # Safety
/// As [`run`], for pixels up to `at + size * count`.
#[inline(always)]
unsafe fn some<L: Lanes, const STRIDE: usize, const FINISH: u8>(
    job: &Tiles,
    size: usize,
    at: usize,
    count: usize,
) {
    for index in 0..count {
        let at = at + index * size;
        // SAFETY: the caller's contract.
        unsafe {
            match size {
                1 => tile::<L, 1, STRIDE, FINISH>(job, at),
                2 => tile::<L, 2, STRIDE, FINISH>(job, at),
                3 => tile::<L, 3, STRIDE, FINISH>(job, at),
                4 => tile::<L, 4, STRIDE, FINISH>(job, at),
                5 => tile::<L, 5, STRIDE, FINISH>(job, at),
                _ => tile::<L, 6, STRIDE, FINISH>(job, at),
            }
        }
    }
}

/// Computes `N` pixels from pixel `at` on.
///
/// # Safety
/// As [`run`], for these pixels.
#[inline(always)]
unsafe fn tile<L: Lanes, const N: usize, const STRIDE: usize, const FINISH: u8>(job: &Tiles, at: usize) {
    // SAFETY: the caller's contract; every address is one of those that `Tiles` names.
    unsafe {
        let mut sums = [[L::load(job.weights), L::load(job.weights.add(4))]; N];
        let mut input = job.input.wrapping_add(at * STRIDE);
        let mut weights = job.weights.add(8);
        // One k in each turn: where several are unrolled, LLVM's WebAssembly back end moves the sums behind all loads,
        // and everything is spilled.
        for _ in 0..job.chunks {
            let mut from = input;
            for _ in 0..job.depth {
                let weight = [L::load(weights), L::load(weights.add(4))];
                for (pixel, sum) in sums.iter_mut().enumerate() {
                    // A constant distance from one address is part of the load instruction.
                    let value = L::splat(*from.add(pixel * STRIDE));
                    sum[0] = sum[0].mul_add(value, weight[0]);
                    sum[1] = sum[1].mul_add(value, weight[1]);
                }
                from = from.add(1);
                weights = weights.add(8);
            }
            input = input.wrapping_add(job.step);
        }
        for (pixel, sum) in sums.iter().enumerate() {
            for (half, sum) in sum.iter().enumerate() {
                let place = (at + pixel) * 8 + half * 4;
                let sum = match FINISH {
                    RELU6 => sum.relu6(),
                    ADD => sum.add(L::load(job.add.add(place))),
                    _ => *sum,
                };
                sum.store(job.out.add(place));
            }
        }
    }
}
