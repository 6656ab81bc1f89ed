//! 1x1 convolutions of whole numbers: inputs and weights are rounded to sixteen bits, products are summed exactly, and the
//! sum goes on as f32. A processor does two products of whole numbers in one instruction where it does one of f32, or a half.
//!
//! That no sum is too large for 32 bits is what scales are for: each pixel of the input and each output's weights have one,
//! which gives them a certain norm, and no sum of products is larger than the product of the norms (Cauchy and
//! Schwarz). The norms are what gives the smallest error of real networks' embeddings: a weight is off in the same
//! direction for all pixels, so that its rounding matters more than an input's.

mod map;

use crate::{Finish, PANEL};

pub use map::{Rounded, Rounding};

/// The norm of a pixel before its numbers are rounded. None of them is then too large for sixteen bits.
const INPUT_NORM: f32 = 28_000.0;

/// The norm of an output's weights before they are rounded, where none of them is then too large.
const WEIGHTS_NORM: f32 = 76_000.0;

/// The most inputs that an output may have: rounding adds at most half the root of their number to a norm.
pub const MOST_INPUTS: usize = 8192;

const _: () = {
    let rounding = 46;
    assert!(4 * rounding * rounding > MOST_INPUTS as u64);
    let largest = (INPUT_NORM as u64 + rounding) * (WEIGHTS_NORM as u64 + rounding);
    // Norms are computed in f32, which is off by far less than that.
    assert!(largest + largest / 2000 < i32::MAX as u64);
};

/// Two inputs of a pixel, or two weights of an output, that are multiplied and added in one instruction.
type Pair = [i16; 2];

/// Pairs of a pixel of a panel.
const PAIRS: usize = PANEL / 2;

/// A number so large that none of its bits is left for a fraction: a sum with it has a small whole number in its low bits.
const ROUND: f32 = 12_582_912.0;

/// The whole number nearest to one of at most 2^15.
#[inline(always)]
fn nearest(value: f32) -> i16 {
    (value + ROUND).to_bits() as i16
}

/// Weights in whole numbers.
#[derive(Debug, Clone)]
pub struct Weights {
    inputs: usize,
    /// `[outputs / 8][inputs / 2][8]`.
    values: Vec<Pair>,
    /// `[outputs / 8][bias 8 | scale 8]`.
    outputs: Vec<Outputs>,
}

/// What is known of the inputs that weights are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Nothing.
    Any,
    /// None is less than zero.
    Positive,
}

/// The biases of eight outputs, and what one of their whole numbers is worth.
type Outputs = [f32; 2 * PANEL];

/// One call of the loop in `emitted.rs`. It is read by another module than the one that wrote it, hence the fixed layout.
#[cfg(target_arch = "wasm32")]
#[repr(C)]
#[expect(dead_code, reason = "it is read by the other module")]
pub(crate) enum Job {
    /// 1x1 convolution.
    Linear(Tiles),
    /// 1x1 convolution and ReLU6.
    Relu6(Tiles),
    /// 1x1 convolution; another map is added.
    Add(Tiles),
}

/// A row of tiles, as [`crate::matrix::Tiles`].
#[cfg(target_arch = "wasm32")]
#[repr(C)]
pub(crate) struct Tiles {
    pub input: *const Pair,
    /// Pairs from one panel to the next.
    pub step: usize,
    pub chunks: usize,
    /// What one is worth, for each pixel.
    pub scales: *const f32,
    pub weights: *const Pair,
    pub out: *mut f32,
    pub add: *const f32,
    pub pixels: usize,
    pub outputs: *const Outputs,
}

impl Weights {
    /// Rounds weights, each output's with a scale of their own.
    ///
    /// # Shapes
    /// `weight`: `[outputs, taps]`, `bias`: `[outputs]`, of whole panels; `order`: where each input lies among an output's
    /// weights. Inputs are filled up with zeros to whole panels.
    pub fn new(weight: &[f32], bias: &[f32], order: &[usize], inputs_are: Sign) -> Self {
        let inputs = order.len().next_multiple_of(PANEL);
        let mut values = vec![Pair::default(); bias.len() / PANEL * PANEL * inputs / 2];
        let mut outputs = vec![[0.0; 2 * PANEL]; bias.len() / PANEL];
        let mut row = vec![0.0; inputs];
        let rows = weight.chunks_exact(order.len().max(1)).zip(bias);
        for (output, (weights, bias)) in rows.enumerate() {
            let (panel, lane) = (output / PANEL, output % PANEL);
            for (to, &tap) in row.iter_mut().zip(order) {
                *to = weights[tap];
            }
            let values = values[panel * PANEL * inputs / 2..].as_chunks_mut::<PANEL>().0;
            outputs[panel][lane] = *bias;
            outputs[panel][PANEL + lane] = round_output(&row, values, lane, inputs_are);
        }
        Self { inputs, values, outputs }
    }

    /// How many inputs an output has, with those that fill up the last panel.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How many panels of outputs there are.
    pub fn panels(&self) -> usize {
        self.outputs.len()
    }

    fn panel(&self, index: usize) -> (&[Pair], &Outputs) {
        let len = self.inputs / 2 * PANEL;
        (&self.values[index * len..][..len], &self.outputs[index])
    }
}

/// Rounds one output's weights, and says what one is worth; by itself, so that browsers compile it well before the last.
#[inline(never)]
fn round_output(weights: &[f32], values: &mut [[Pair; PANEL]], lane: usize, inputs_are: Sign) -> f32 {
    let (mut above, mut below, mut largest) = ([0.0f32; PANEL], [0.0f32; PANEL], [0.0f32; PANEL]);
    for panel in weights.as_chunks::<PANEL>().0 {
        for (lane, weight) in panel.iter().enumerate() {
            above[lane] += weight.max(0.0) * weight;
            below[lane] += weight.min(0.0) * weight;
            largest[lane] = largest[lane].max(weight.abs());
        }
    }
    let [above, below] = [above, below].map(|lanes| lanes.iter().sum::<f32>());
    let squares = match inputs_are {
        Sign::Any => above + below,
        // A sum is between those of the weights of either sign.
        Sign::Positive => above.max(below),
    };
    let largest = largest.into_iter().fold(0.0, f32::max) / f32::from(i16::MAX);
    let scale = largest.max(squares.sqrt() / WEIGHTS_NORM);
    let factor = if scale < f32::MIN_POSITIVE { 0.0 } else { 1.0 / scale };
    for (pair, values) in weights.as_chunks::<2>().0.iter().zip(values) {
        values[lane] = pair.map(|weight| nearest(weight * factor));
    }
    scale
}

/// As [`pointwise`](crate::pointwise()), in whole numbers.
///
/// # Shapes
/// `out`, and the map that is added: `[pixels][8]`
///
/// # Panics
/// Where the input has fewer pixels or channels, or there is no such panel.
pub fn pointwise(input: Rounded<'_>, weights: &Weights, panel: usize, finish: Finish<'_>, out: &mut [f32]) {
    let (weights, outputs) = weights.panel(panel);
    let chunks = weights.len() / (PAIRS * PANEL);
    let pixels = out.len() / PANEL;
    assert!(chunks * PANEL <= MOST_INPUTS, "sums stay within 32 bits");
    let reach = chunks.saturating_sub(1).saturating_mul(input.stride).saturating_add(pixels * PAIRS);
    assert!(chunks == 0 || input.values.len() >= reach, "the input is long enough");
    assert!(input.scales.len() >= pixels, "each pixel has a scale");
    if let Finish::Add(map) = finish {
        assert!(map.len() >= pixels * PANEL, "the map that is added is long enough");
    }
    #[cfg(target_arch = "wasm32")]
    if let Some(run) = crate::emitted::installed_for_integers() {
        let mut tiles = |add| Tiles {
            input: input.values.as_ptr(),
            step: input.stride,
            chunks,
            scales: input.scales.as_ptr(),
            weights: weights.as_ptr(),
            out: out.as_mut_ptr(),
            add,
            pixels,
            outputs,
        };
        let job = match finish {
            Finish::Linear => Job::Linear(tiles(std::ptr::null())),
            Finish::Relu6 => Job::Relu6(tiles(std::ptr::null())),
            Finish::Add(map) => Job::Add(tiles(map.as_ptr())),
        };
        // SAFETY: `out` holds eight numbers a pixel, and the lengths of all that is read were checked above.
        unsafe { run(&job) };
    }
    #[cfg(not(target_arch = "wasm32"))]
    by_definition(input, weights, outputs, finish, out);
}

/// The same, one number after the other, for tests: nobody prefers whole numbers without emitted loops.
#[cfg(not(target_arch = "wasm32"))]
fn by_definition(
    input: Rounded<'_>,
    weights: &[Pair],
    outputs: &Outputs,
    finish: Finish<'_>,
    out: &mut [f32],
) {
    let (bias, scale) = outputs.split_at(PANEL);
    for (pixel, out) in out.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
        let mut sums = [0i32; PANEL];
        for (chunk, weights) in weights.as_chunks::<{ PAIRS * PANEL }>().0.iter().enumerate() {
            let values = &input.values[chunk * input.stride + pixel * PAIRS..][..PAIRS];
            for (value, weights) in values.iter().zip(weights.as_chunks::<PANEL>().0) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += i32::from(value[0]) * i32::from(weight[0])
                        + i32::from(value[1]) * i32::from(weight[1]);
                }
            }
        }
        for (channel, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
            let sum = sum as f32 * (input.scales[pixel] * scale[channel]) + bias[channel];
            *out = match finish {
                Finish::Linear => sum,
                Finish::Relu6 => sum.clamp(0.0, 6.0),
                Finish::Add(map) => sum + map[pixel * PANEL + channel],
            };
        }
    }
}
