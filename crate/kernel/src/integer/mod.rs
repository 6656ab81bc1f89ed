//! 1x1 convolutions of whole numbers: inputs and weights are rounded to sixteen bits, products are summed exactly, and the
//! sums go on as f32. A processor does two products of whole numbers in one instruction where it does one of f32, or a half.
//!
//! Inputs are cut into parts. That no sum of a part is too large for 32 bits is what scales are for: each part of a pixel and
//! each part of an output's weights have one, which gives them a certain norm, and no sum of products is larger than the
//! product of the norms (Cauchy and Schwarz). The fewer inputs share a norm, the larger each of them is, and the less its
//! rounding matters. Weights have the larger norm, for a weight is off in the same direction for all pixels.

mod lanes;
mod map;

use crate::{Finish, PANEL, Quarters};

pub use map::{Rounded, Rounding, Squares};

/// The most inputs whose products are summed in whole numbers.
const PART: usize = 160;

/// The norm of a part of a pixel before its numbers are rounded. None of them is then too large for sixteen bits.
const INPUT_NORM: f32 = 32_600.0;

/// The norm of a part of an output's weights before they are rounded, where none of them is then too large.
const WEIGHTS_NORM: f32 = 65_700.0;

/// The largest weight: rounding changes it by one at the most.
const LARGEST_WEIGHT: f32 = (i16::MAX - 1) as f32;

/// How much of what every eighth weight before it was rounded off a weight makes good when it is rounded. Inputs are not zero in
/// their mean, so that errors cost less where they add up to nothing.
const MADE_GOOD: f32 = 0.5;

const _: () = {
    // What rounding adds to a norm: half for each input, and one for each weight, since those that make good for each other are
    // together off by at most `0.5 / MADE_GOOD`.
    let (input, weights) = (7, 14);
    assert!(4 * input * input > PART && weights * weights > PART);
    let largest = (INPUT_NORM as usize + input) * (WEIGHTS_NORM as usize + weights);
    // Norms are computed in f32, which is off by far less than that.
    assert!(largest + largest / 2000 < i32::MAX as usize);
    assert!(INPUT_NORM as usize + input < i16::MAX as usize);
};

/// Panels of inputs in each part but the last, which may have fewer.
const fn part(panels: usize) -> usize {
    let parts = panels.div_ceil(PART / PANEL);
    if parts == 0 { 1 } else { panels.div_ceil(parts) }
}

/// Two inputs of a pixel, or two weights of an output, that are multiplied and added in one instruction.
type Pair = [i16; 2];

/// Pairs of a pixel of a panel.
const PAIRS: usize = PANEL / 2;

/// A number so large that none of its bits is left for a fraction: a sum with it has a small whole number in its low sixteen.
const ROUND: f32 = 12_582_912.0;

/// Weights in whole numbers.
#[derive(Debug, Clone)]
pub struct Weights {
    inputs: usize,
    /// Panels of inputs in each part but the last.
    part: usize,
    parts: usize,
    /// `[outputs / 8][inputs / 2][8]`.
    values: Vec<Pair>,
    /// `[outputs / 8][parts]`.
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

/// `[bias 8 | scale 8]` of eight outputs and a part of their inputs: what is added, which is their bias in the first part and
/// nothing in the others, and what one of their whole numbers is worth.
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
    /// The same and ReLU6.
    AddRelu6(Tiles),
}

/// A row of tiles, as [`crate::matrix::Tiles`]; what is added may be where it is written.
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
    /// Rounds weights, each part of each output's with a scale of its own.
    ///
    /// # Shapes
    /// `weight`: `[outputs, taps]`, `bias`: `[outputs]`, of whole panels; `order`: where each input lies among an output's
    /// weights. Inputs are filled up with zeros to whole panels.
    pub fn new(weight: &[f32], bias: &[f32], order: &[usize], inputs_are: Sign) -> Self {
        let inputs = order.len().next_multiple_of(PANEL);
        let (panels, part) = (bias.len() / PANEL, part(inputs / PANEL));
        let parts = (inputs / PANEL).div_ceil(part);
        let mut values = vec![Pair::default(); panels * PANEL * inputs / 2];
        let mut outputs = vec![[0.0; 2 * PANEL]; panels * parts];
        let as_they_lie = order.is_sorted();
        let mut row = vec![0.0; inputs];
        let rows = weight.chunks_exact(order.len().max(1)).zip(bias);
        for (output, (weights, bias)) in rows.enumerate() {
            let (panel, lane) = (output / PANEL, output % PANEL);
            if as_they_lie {
                row[..weights.len()].copy_from_slice(weights);
            } else {
                row.iter_mut().zip(order).for_each(|(to, &tap)| *to = weights[tap]);
            }
            let values = values[panel * PANEL * inputs / 2..].as_chunks_mut::<PANEL>().0;
            let outputs = &mut outputs[panel * parts..][..parts];
            outputs[0][lane] = *bias;
            let chunks = row.chunks(part * PANEL).zip(values.chunks_mut(part * PAIRS));
            for ((row, values), output) in chunks.zip(outputs) {
                output[PANEL + lane] = round_output(row, values, lane, inputs_are);
            }
        }
        Self { inputs, part, parts, values, outputs }
    }

    /// How many inputs an output has, with those that fill up the last panel.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How many panels of outputs there are.
    pub fn panels(&self) -> usize {
        self.values.len() / (self.inputs / 2 * PANEL).max(1)
    }

    /// The parts of a panel's weights.
    fn parts(&self, panel: usize) -> impl Iterator<Item = (&[Pair], &Outputs)> {
        let len = self.inputs / 2 * PANEL;
        let parts = self.values[panel * len..][..len].chunks(self.part * PAIRS * PANEL);
        parts.zip(&self.outputs[panel * self.parts..][..self.parts])
    }
}

/// The squares of weights above and below zero, and the largest of either sign, by lanes.
#[derive(Debug, Default)]
struct Extent {
    above: Quarters,
    below: Quarters,
    largest: Quarters,
}

/// Rounds a part of one output's weights, and says what one is worth; by itself, so that browsers compile it well before the last.
#[inline(never)]
fn round_output(weights: &[f32], values: &mut [[Pair; PANEL]], lane: usize, inputs_are: Sign) -> f32 {
    let mut extent = Extent::default();
    for panel in weights.as_chunks::<PANEL>().0 {
        lanes::extend(panel, &mut extent);
    }
    let [above, below] = [extent.above, extent.below].map(|squares| squares.iter().sum::<f32>());
    let squares = match inputs_are {
        Sign::Any => above + below,
        // A sum is between those of the weights of either sign.
        Sign::Positive => above.max(below),
    };
    let largest = extent.largest.into_iter().fold(0.0, f32::max) / LARGEST_WEIGHT;
    let scale = largest.max(squares.sqrt() / WEIGHTS_NORM);
    let factor = if scale < f32::MIN_POSITIVE { 0.0 } else { 1.0 / scale };
    let mut off = [0.0; PANEL];
    for (panel, values) in weights.as_chunks::<PANEL>().0.iter().zip(values.as_chunks_mut::<PAIRS>().0) {
        let pairs = lanes::nearest_making_good(panel, factor, &mut off);
        for (pair, values) in pairs.into_iter().zip(values) {
            values[lane] = pair;
        }
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
    let pixels = out.len() / PANEL;
    let reach =
        |steps: usize, step: usize, last| steps.saturating_sub(1).saturating_mul(step).saturating_add(last);
    assert!(weights.parts > 0, "there are inputs");
    assert!(weights.parts == 1 || input.part == weights.part, "both are cut into the same parts");
    let values = reach(weights.inputs / PANEL, input.stride, pixels * PAIRS);
    assert!(input.values.len() >= values, "the input is long enough");
    assert!(
        input.scales.len() >= reach(weights.parts, input.pixels, pixels),
        "each part of a pixel has a scale"
    );
    if let Finish::Add(map) = finish {
        assert!(map.len() >= pixels * PANEL, "the map that is added is long enough");
    }
    #[cfg(target_arch = "wasm32")]
    if let Some(run) = crate::emitted::installed_for_integers() {
        // SAFETY: the lengths of all that is read were checked above.
        unsafe { with_emitted(run, input, weights, panel, finish, out) };
    }
    #[cfg(not(target_arch = "wasm32"))]
    by_definition(input, weights.parts(panel), finish, out);
}

/// The same with emitted loops. What the parts of the inputs give is added up in `out`.
///
/// # Safety
/// The input and the map that is added are as long as these weights and `out` need.
#[cfg(target_arch = "wasm32")]
unsafe fn with_emitted(
    run: crate::emitted::RunIntegers,
    input: Rounded<'_>,
    weights: &Weights,
    panel: usize,
    finish: Finish<'_>,
    out: &mut [f32],
) {
    let mut add = if let Finish::Add(map) = finish { map.as_ptr() } else { std::ptr::null() };
    for (part, (values, outputs)) in weights.parts(panel).enumerate() {
        let tiles = Tiles {
            input: input.after_parts(part).as_ptr(),
            step: input.stride,
            chunks: values.len() / (PAIRS * PANEL),
            scales: input.scales[part * input.pixels..].as_ptr(),
            weights: values.as_ptr(),
            out: out.as_mut_ptr(),
            add,
            pixels: out.len() / PANEL,
            outputs,
        };
        let limited = matches!(finish, Finish::Relu6) && part + 1 == weights.parts;
        let job = match (add.is_null(), limited) {
            (true, false) => Job::Linear(tiles),
            (true, true) => Job::Relu6(tiles),
            (false, false) => Job::Add(tiles),
            (false, true) => Job::AddRelu6(tiles),
        };
        // SAFETY: the caller's contract; `out` holds eight numbers a pixel.
        unsafe { run(&job) };
        add = out.as_ptr();
    }
}

/// The same, one number after the other, for tests: nobody prefers whole numbers without emitted loops.
#[cfg(not(target_arch = "wasm32"))]
fn by_definition<'a>(
    input: Rounded<'_>,
    parts: impl Iterator<Item = (&'a [Pair], &'a Outputs)>,
    finish: Finish<'_>,
    out: &mut [f32],
) {
    if let Finish::Add(map) = finish {
        out.copy_from_slice(&map[..out.len()]);
    } else {
        out.fill(0.0);
    }
    for (part, (weights, outputs)) in parts.enumerate() {
        let (bias, scale) = outputs.split_at(PANEL);
        for (pixel, out) in out.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
            let mut sums = [0i32; PANEL];
            for (chunk, weights) in weights.as_chunks::<{ PAIRS * PANEL }>().0.iter().enumerate() {
                let values = &input.after_parts(part)[chunk * input.stride + pixel * PAIRS..][..PAIRS];
                for (value, weights) in values.iter().zip(weights.as_chunks::<PANEL>().0) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += i32::from(value[0]) * i32::from(weight[0])
                            + i32::from(value[1]) * i32::from(weight[1]);
                    }
                }
            }
            for (channel, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
                let worth = input.scales[part * input.pixels + pixel] * scale[channel];
                *out += sum as f32 * worth + bias[channel];
            }
        }
    }
    if matches!(finish, Finish::Relu6) {
        out.iter_mut().for_each(|value| *value = value.clamp(0.0, 6.0));
    }
}
