//! The computations of a frozen prefix and of a linear head, one function each. They take slices, check their lengths
//! once and are safe to call; behind them is nearly all the unsafe code of the project.
//!
//! A map is kept in panels of eight channels, `[channels / 8][pixel][8]`: neighbouring pixels are then read and written
//! at constant distances. Weights are packed to match, `[outputs / 8][bias 8 | inputs x 8]`.

#![allow(unsafe_code, reason = "vector instructions, and no bounds check in the inner loops")]

mod depthwise;
#[cfg(target_arch = "wasm32")]
pub mod emitted;
mod finite;
mod flatten;
pub mod integer;
mod job;
mod matrix;
mod pack;
mod resize;
mod simd;
#[cfg(test)]
mod tests;
mod widen;

use depthwise::Rows;
use job::Job;
use matrix::Tiles;
use simd::Best;

pub use finite::are_finite;
pub use flatten::onto_white;
pub use pack::pack;
pub use resize::{CropBox, FilterType, ResizeError, resize};
pub use widen::{widen_bytes, widen_into};

/// Channels of a panel.
pub const PANEL: usize = 8;

/// Four numbers that add up to one of a pixel, as lanes compute them.
pub type Quarters = [f32; 4];

/// Numbers of a panel of packed depthwise weights: a bias and nine taps a channel.
pub const DEPTHWISE: usize = PANEL * 10;

/// Numbers of a panel of packed stem weights: a bias and 3x3 taps of three channels for each output.
pub const STEM: usize = PANEL * 28;

/// The numbers that a 1x1 convolution multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32.
    Float,
    /// Whole numbers of sixteen bits: see [`integer`].
    Integer,
}

impl Arithmetic {
    /// What this processor is fastest at with the loops that it has.
    pub fn fastest() -> Self {
        #[cfg(target_arch = "wasm32")]
        if emitted::installed_for_integers().is_some() {
            return Self::Integer;
        }
        Self::Float
    }
}

/// What is done to a sum before it is stored.
#[derive(Debug, Clone, Copy)]
pub enum Finish<'a> {
    /// Nothing.
    Linear,
    /// It is clamped to 0..=6.
    Relu6,
    /// The same panel of another map is added.
    Add(&'a [f32]),
}

/// One panel of a 1x1 convolution.
///
/// # Shapes
/// - `input`: `[inputs / 8]` panels that begin `stride` numbers apart, each at least `[pixels][8]`
/// - `weights`: `[bias 8 | inputs x 8]`
/// - `out`, and the map that is added: `[pixels][8]`
///
/// # Panics
/// Where a slice is shorter than that.
pub fn pointwise(input: &[f32], stride: usize, weights: &[f32], finish: Finish<'_>, out: &mut [f32]) {
    let chunks = weights.len() / (PANEL * PANEL);
    let pixels = out.len() / PANEL;
    assert!(weights.len() == (chunks * PANEL + 1) * PANEL, "weights are a bias and panels of inputs");
    let reach = chunks.saturating_sub(1).saturating_mul(stride).saturating_add(pixels * PANEL);
    assert!(chunks == 0 || input.len() >= reach, "the input is long enough");
    let mut tiles = Tiles {
        input: input.as_ptr(),
        step: stride,
        chunks,
        depth: PANEL,
        weights: weights.as_ptr(),
        out: out.as_mut_ptr(),
        add: std::ptr::null(),
        pixels,
    };
    let job = match finish {
        Finish::Linear => Job::Linear(tiles),
        Finish::Relu6 => Job::Relu6(tiles),
        Finish::Add(map) => {
            assert!(map.len() >= pixels * PANEL, "the map that is added is long enough");
            tiles.add = map.as_ptr();
            Job::Add(tiles)
        }
    };
    // SAFETY: `out` holds eight numbers a pixel, and the lengths of all that is read were checked above.
    unsafe { run(&job) }
}

/// The gradient of one panel of a 1x1 convolution's weights: each input channel times each column, summed over the pixels.
///
/// # Shapes
/// - `input`: `[inputs / 8]` panels that begin `stride` numbers apart, each at least `[pixels][8]`
/// - `columns`: the gradient of the output, `[zeros 8 | pixels x 8]`
/// - `out`: `[inputs x 8]`
///
/// # Panics
/// Where a slice is shorter than that.
pub fn pointwise_gradient(input: &[f32], stride: usize, columns: &[f32], out: &mut [f32]) {
    let pixels = (columns.len() / PANEL).saturating_sub(1);
    assert!(columns.len() == (pixels + 1) * PANEL, "columns are eight numbers a pixel behind eight zeros");
    let (parts, rest) = out.as_chunks_mut::<{ PANEL * PANEL }>();
    assert!(rest.is_empty(), "the output has eight numbers for each of its panels' channels");
    for (index, part) in parts.iter_mut().enumerate() {
        let input = input.get(index * stride..).unwrap_or_default();
        assert!(input.len() >= pixels * PANEL, "the input is long enough");
        // The roles turn round: what are channels to the convolution are the tile's pixels here.
        let job = Tiles {
            input: input.as_ptr(),
            step: PANEL,
            chunks: pixels,
            depth: 1,
            weights: columns.as_ptr(),
            out: part.as_mut_ptr(),
            add: std::ptr::null(),
            pixels: PANEL,
        };
        // SAFETY: `part` holds eight numbers for each of eight channels; the lengths of what is read were checked above.
        unsafe { run(&Job::Gradient(job)) }
    }
}

/// One panel of one output row of a 3x3 convolution at stride 2 over an RGB image, and ReLU6.
///
/// # Shapes
/// - `image`: three rows that begin `stride` numbers apart, `[2 * pixels + 1][3]`: padded with a zero pixel on the left
/// - `weights`: `[bias 8 | 3 rows x 3 columns x 3 channels x 8]`
/// - `out`: `[pixels][8]`
///
/// # Panics
/// Where a slice is shorter than that.
pub fn stem(image: &[f32], stride: usize, weights: &[f32], out: &mut [f32]) {
    let pixels = out.len() / PANEL;
    assert!(weights.len() == STEM, "weights are a bias and 27 inputs");
    let reach = stride.saturating_mul(2).saturating_add((2 * pixels + 1) * 3);
    assert!(image.len() >= reach, "the image is long enough");
    let job = Tiles {
        input: image.as_ptr(),
        step: stride,
        chunks: 3,
        depth: 9,
        weights: weights.as_ptr(),
        out: out.as_mut_ptr(),
        add: std::ptr::null(),
        pixels,
    };
    // SAFETY: the last pixel of the last row reads up to `reach`, which was checked.
    unsafe { run(&Job::Stem(job)) }
}

/// Some output rows of one panel of a 3x3 depthwise convolution with padding 1, and ReLU6. Where asked, the squares of all
/// numbers are added to what there is for each pixel.
///
/// # Shapes
/// - `input`: `[(rows - 1) * stride + 3][width][8]`, the rows that are seen; zeros outside the image
/// - `weights`: `[bias 8 | 9 taps x 8]`
/// - `out`: `[rows][width / stride rounded up][8]`; `stride` is 1 or 2
/// - `squares`: `[rows][width / stride rounded up][4]`, which add up to a pixel's sum
///
/// # Panics
/// Where a slice has another length or the stride another value.
pub fn depthwise(
    input: &[f32],
    width: usize,
    weights: &[f32],
    stride: usize,
    squares: Option<&mut [Quarters]>,
    out: &mut [f32],
) {
    assert!(stride == 1 || stride == 2, "the stride is 1 or 2");
    let row = width.div_ceil(stride) * PANEL;
    let rows = out.len() / row.max(1);
    assert!(out.len() == rows * row, "the output is of whole rows");
    if rows == 0 {
        return;
    }
    assert!(input.len() == ((rows - 1) * stride + 3) * width * PANEL, "the input has all rows that are seen");
    assert!(weights.len() == DEPTHWISE, "weights are a bias and nine taps");
    let pixels = out.len() / PANEL;
    assert!(
        squares.as_ref().is_none_or(|squares| squares.len() == pixels),
        "each pixel has a sum of squares"
    );
    let added = squares.is_some();
    let squares = squares.map_or(std::ptr::null_mut(), |squares| squares.as_mut_ptr().cast());
    let job = Rows {
        input: input.as_ptr(),
        width,
        rows,
        squares,
        weights: weights.as_ptr(),
        out: out.as_mut_ptr(),
    };
    let job = match (stride, added) {
        (1, false) => Job::Depthwise(job),
        (_, false) => Job::DepthwiseHalving(job),
        (1, true) => Job::DepthwiseSquares(job),
        (_, true) => Job::DepthwiseHalvingSquares(job),
    };
    // SAFETY: all lengths were checked above.
    unsafe { run(&job) }
}

/// The mean of one panel over the image.
///
/// # Shapes
/// `[pixels][8]` -> `[8]`
pub fn pool(input: &[f32]) -> [f32; PANEL] {
    let (pixels, _) = input.as_chunks::<PANEL>();
    let mut sums = [0.0; PANEL];
    for pixel in pixels {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += value;
        }
    }
    sums.map(|sum| sum / pixels.len() as f32)
}

/// Does a job with the best lanes there are.
///
/// # Safety
/// As [`Job::run`], but for the instructions.
unsafe fn run(job: &Job) {
    #[cfg(target_arch = "x86_64")]
    {
        /// Enables fused multiply-add for all that is inlined into it.
        #[target_feature(enable = "fma")]
        unsafe fn fused(job: &Job) {
            // SAFETY: the caller's contract, and `fma` is enabled.
            unsafe { job.run::<simd::Fma>() }
        }
        if std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the caller's contract, and `fma` was found.
            return unsafe { fused(job) };
        }
    }
    #[cfg(target_arch = "wasm32")]
    if let Some(run) = emitted::installed() {
        // SAFETY: the caller's contract; a browser that has compiled the function has its instructions.
        return unsafe { run(job) };
    }
    // SAFETY: the caller's contract; every processor of this target has these lanes.
    unsafe { job.run::<Best>() }
}
