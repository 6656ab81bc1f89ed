//! Weights in the order in which the kernels read them.

use super::plan::Convolution;
use crate::error::{Error, Result};
use crate::kernel::{DEPTHWISE, PANEL};

/// What a convolution is to the kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 3x3 at stride 2 over an RGB image, with ReLU6.
    Stem,
    /// 1x1 at stride 1.
    Pointwise,
    /// 3x3 of each channel alone at stride 1 or 2, with ReLU6.
    Depthwise,
}

impl Kind {
    /// Which kernel computes a convolution.
    ///
    /// # Errors
    /// `INTERNAL` where there is none.
    pub fn of(layer: &Convolution) -> Result<Self> {
        let plain = layer.relu6 && layer.add.is_none();
        let panels = layer.output.is_multiple_of(PANEL);
        match (layer.kernel, layer.stride, layer.groups, layer.input) {
            (3, 2, 1, 3) if plain && panels => Ok(Self::Stem),
            (1, 1, 1, input) if panels && input % PANEL == 0 && !(layer.relu6 && layer.add.is_some()) => {
                Ok(Self::Pointwise)
            }
            (3, 1 | 2, groups, input) if plain && panels && groups == input && input == layer.output => {
                Ok(Self::Depthwise)
            }
            _ => Err(Error::Internal {
                reason: format!(
                    "no kernel for a {0}x{0} convolution of {1} to {2} channels at stride {3} in {4} groups",
                    layer.kernel, layer.input, layer.output, layer.stride, layer.groups
                ),
            }),
        }
    }

    /// Where each tap of an output lies among its weights. A stem's taps go from `[channel][row][column]` to
    /// `[row][column][channel]`, as the pixels of an image lie.
    pub fn taps(self, layer: &Convolution) -> Vec<usize> {
        let taps = layer.input / layer.groups * layer.kernel * layer.kernel;
        match self {
            Kind::Stem => (0..taps).map(|tap| tap % 3 * 9 + tap / 3).collect(),
            Kind::Pointwise | Kind::Depthwise => (0..taps).collect(),
        }
    }
}

/// Weights of one layer, `[outputs / 8][bias 8 | taps x 8]`.
#[derive(Debug, Clone)]
pub struct Packed {
    taps: usize,
    values: Vec<f32>,
}

impl Packed {
    /// Puts each panel of eight outputs together: their biases, then for each tap their eight weights.
    pub fn new(layer: &Convolution) -> Result<Self> {
        let order = Kind::of(layer)?.taps(layer);
        let taps = order.len();
        let mut values = Vec::with_capacity(layer.output * (taps + 1));
        for (biases, kernels) in layer.bias.chunks_exact(PANEL).zip(layer.weight.chunks_exact(PANEL * taps)) {
            values.extend_from_slice(biases);
            let mut rows = kernels.chunks_exact(taps);
            let rows: [&[f32]; PANEL] = std::array::from_fn(|_| rows.next().unwrap_or_default());
            for &tap in &order {
                values.extend_from_slice(&rows.map(|row| row.get(tap).copied().unwrap_or_default()));
            }
        }
        Ok(Self { taps, values })
    }

    /// The panels, in order.
    pub fn panels(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact((self.taps + 1) * PANEL)
    }

    /// How many inputs an output has.
    pub fn taps(&self) -> usize {
        self.taps
    }
}

const _: () = assert!(DEPTHWISE == (9 + 1) * PANEL);
