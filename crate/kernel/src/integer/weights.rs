//! Weights in whole numbers.

use super::{LARGEST_WEIGHT, Outputs, PAIRS, Pair, WEIGHTS_NORM, lanes, part};
use crate::{PANEL, Quarters};

/// Weights in whole numbers.
#[derive(Debug, Clone)]
pub struct Weights {
    pub(super) inputs: usize,
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

impl Weights {
    /// Rounds weights, each part of each output's with a scale of its own.
    ///
    /// # Shapes
    /// `weight`: `[outputs, taps]`, `bias`: `[outputs]`, of whole panels; `order`: where each input lies among an output's
    /// weights. Inputs are filled up with zeros to whole panels.
    pub fn new(weight: &[f32], bias: &[f32], order: &[usize], inputs_are: Sign) -> Self {
        let inputs = order.len().next_multiple_of(PANEL);
        let (part, panels) = (part(inputs / PANEL) * PANEL, bias.len() / PANEL);
        let parts = inputs.div_ceil(part);
        let mut values = vec![Pair::default(); panels * PANEL * inputs / 2];
        let mut outputs = vec![[0.0; 2 * PANEL]; panels * parts];
        let mut row = vec![0.0; inputs];
        let rows = weight.chunks_exact(order.len().max(1)).zip(bias);
        for (output, (weights, bias)) in rows.enumerate() {
            let (panel, lane) = (output / PANEL, output % PANEL);
            for (to, &tap) in row.iter_mut().zip(order) {
                *to = weights[tap];
            }
            let values = values[panel * PANEL * inputs / 2..].as_chunks_mut::<PANEL>().0;
            let outputs = &mut outputs[panel * parts..][..parts];
            outputs[0][lane] = *bias;
            for ((row, values), output) in row.chunks(part).zip(values.chunks_mut(part / 2)).zip(outputs) {
                output[PANEL + lane] = round_output(row, values, lane, inputs_are);
            }
        }
        Self { inputs, values, outputs }
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
    pub(super) fn parts(&self, panel: usize) -> impl ExactSizeIterator<Item = (&[Pair], &Outputs)> {
        let (len, part) = (self.inputs / 2 * PANEL, part(self.inputs / PANEL) * PAIRS * PANEL);
        let parts = self.values[panel * len..][..len].chunks(part);
        let outputs = &self.outputs[panel * parts.len()..][..parts.len()];
        parts.zip(outputs)
    }
}

/// The squares of weights above and below zero, and the largest of either sign, by lanes.
#[derive(Debug, Default)]
pub(super) struct Extent {
    pub above: Quarters,
    pub below: Quarters,
    pub largest: Quarters,
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
