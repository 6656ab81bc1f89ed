//! Weights in the order in which the kernels read them.

use super::activation::Activation;
use super::operation::{Convolution, Padding};
use crate::kernel::{DEPTHWISE, PANEL, pack};

/// What a convolution is to the kernels that are made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 3x3 at stride 2 over an RGB image of even side, with ReLU6.
    Stem,
    /// 1x1 at stride 1.
    Pointwise,
    /// 3x3 of each channel alone at stride 1 or 2, with ReLU6.
    Depthwise,
    /// Any other over all channels.
    Full,
    /// Any other of each channel alone.
    Separate,
}

impl Kind {
    /// Which kernel computes a convolution of a map of this side; none where there is none.
    pub fn of(layer: &Convolution, side: usize) -> Option<Self> {
        let fused = layer.activation == Activation::Relu6 && layer.add.is_none();
        let even = layer.padding == Padding::Even(layer.kernel / 2);
        let panels = layer.input.is_multiple_of(PANEL);
        let alone = layer.groups == layer.input && layer.input == layer.output && layer.groups > 1;
        if !layer.output.is_multiple_of(PANEL) {
            return None;
        }
        match (layer.kernel, layer.stride, layer.groups) {
            (1, 1, 1) if panels => Some(Self::Pointwise),
            (3, 2, 1) if layer.input == 3 && fused && even && side.is_multiple_of(2) => Some(Self::Stem),
            (_, _, 1) if panels || layer.input == 3 => Some(Self::Full),
            (3, 1 | 2, _) if alone && fused && even => Some(Self::Depthwise),
            (3 | 5 | 7, 1 | 2, _) if alone && layer.add.is_none() => Some(Self::Separate),
            _ => None,
        }
    }

    /// Where each tap of an output lies among its weights, in the order in which the inputs lie: those of an image go from
    /// `[channel][row][column]` to `[row][column][channel]`, those of a map to `[panel][row][column][8]`.
    pub fn taps(self, layer: &Convolution) -> Vec<usize> {
        let area = layer.kernel * layer.kernel;
        let taps = layer.input / layer.groups * area;
        match self {
            Self::Pointwise | Self::Depthwise | Self::Separate => (0..taps).collect(),
            Self::Stem | Self::Full if layer.input == 3 => {
                (0..taps).map(|tap| tap % 3 * area + tap / 3).collect()
            }
            Self::Stem | Self::Full => {
                let at = |tap: usize| {
                    let (panel, place, channel) = (tap / PANEL / area, tap / PANEL % area, tap % PANEL);
                    (panel * PANEL + channel) * area + place
                };
                (0..taps).map(at).collect()
            }
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
    /// The weights of a layer. Taps are filled up with zeros to whole panels where all channels are seen.
    pub fn new(layer: &Convolution, kind: Kind) -> Self {
        let order = kind.taps(layer);
        let taps = order.len();
        let filled = if kind == Kind::Full { taps.next_multiple_of(PANEL) } else { taps };
        Self { taps: filled, values: pack(&layer.weight, &layer.bias, &order, filled) }
    }

    /// The panels, in order.
    pub fn panels(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact((self.taps + 1) * PANEL)
    }

    /// One of them; nothing where there are fewer, which the kernels refuse.
    pub fn panel(&self, index: usize) -> &[f32] {
        self.panels().nth(index).unwrap_or_default()
    }

    /// How many inputs an output has.
    pub fn taps(&self) -> usize {
        self.taps
    }
}

const _: () = assert!(DEPTHWISE == (9 + 1) * PANEL);
