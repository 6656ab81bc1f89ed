//! A depthwise convolution of any size and activation. The map is copied into a larger one with zeros around, so that no
//! output needs to know of borders.

use super::activation::Activation;
use super::operation::Convolution;
use super::packed::{Kind, Packed};
use super::plan::Map;
use crate::kernel::PANEL;

/// Outputs of a row that are summed together.
const TILE: usize = 4;

/// A depthwise convolution that is packed for maps of one size.
#[derive(Debug)]
pub struct Separate {
    weights: Packed,
    activation: Activation,
    kernel: usize,
    stride: usize,
    before: usize,
    input: Map,
    output: Map,
    /// Side of the map with what is around it.
    padded: usize,
}

impl Separate {
    /// Packs a convolution of `input`.
    pub fn new(layer: &Convolution, input: Map) -> Self {
        let (before, side) = layer.padding.apply(input.side, layer.kernel, layer.stride);
        // Whole tiles are summed, also where the row ends within one.
        let reach = (side.next_multiple_of(TILE) - 1) * layer.stride + layer.kernel;
        Self {
            weights: Packed::new(layer, Kind::Separate),
            activation: layer.activation,
            kernel: layer.kernel,
            stride: layer.stride,
            before,
            input,
            output: Map { channels: layer.output, side },
            padded: reach.max(input.side + before),
        }
    }

    /// Runs the convolution; maps are `[panels][images][pixels][8]`.
    pub fn run(&self, maps: &[f32], images: usize, padded: &mut Vec<f32>, out: &mut [f32]) {
        let [before, after] = [self.input, self.output].map(|map| (map.pixels() * PANEL).max(1));
        padded.clear();
        padded.resize(self.padded * self.padded * PANEL, 0.0);
        let panels = maps.chunks_exact(images * before).zip(out.chunks_exact_mut(images * after));
        for ((maps, out), weights) in panels.zip(self.weights.panels()) {
            for (map, out) in maps.chunks_exact(before).zip(out.chunks_exact_mut(after)) {
                self.surround(map, padded);
                match (self.kernel, self.stride) {
                    (3, 1) => self.panel::<3, 1>(padded, weights, out),
                    (3, _) => self.panel::<3, 2>(padded, weights, out),
                    (5, 1) => self.panel::<5, 1>(padded, weights, out),
                    (5, _) => self.panel::<5, 2>(padded, weights, out),
                    (_, 1) => self.panel::<7, 1>(padded, weights, out),
                    (_, _) => self.panel::<7, 2>(padded, weights, out),
                }
                self.activation.apply(out);
            }
        }
    }

    /// Copies a panel of a map to its place among zeros.
    fn surround(&self, map: &[f32], padded: &mut [f32]) {
        let rows = padded.chunks_exact_mut(self.padded * PANEL).skip(self.before);
        for (from, to) in map.chunks_exact(self.input.side * PANEL).zip(rows) {
            if let Some(to) = to.get_mut(self.before * PANEL..self.before * PANEL + from.len()) {
                to.copy_from_slice(from);
            }
        }
    }

    /// One panel of one image.
    fn panel<const KERNEL: usize, const STRIDE: usize>(
        &self,
        padded: &[f32],
        weights: &[f32],
        out: &mut [f32],
    ) {
        let (taps, width) = (weights.as_chunks::<PANEL>().0, self.padded * PANEL);
        let (Some((bias, taps)), side) = (taps.split_first(), self.output.side * PANEL) else { return };
        for (row, out) in out.chunks_exact_mut(side).enumerate() {
            let Some(rows) = padded.get(row * STRIDE * width..) else { return };
            for (tile, out) in out.chunks_mut(TILE * PANEL).enumerate() {
                let mut sums = [*bias; TILE];
                for (taps, row) in taps.chunks_exact(KERNEL).zip(rows.chunks(width)) {
                    let from = row.get(tile * TILE * STRIDE * PANEL..).unwrap_or_default();
                    add_row::<KERNEL, STRIDE>(from.as_chunks().0, taps, &mut sums);
                }
                for (out, sum) in out.as_chunks_mut::<PANEL>().0.iter_mut().zip(&sums) {
                    *out = *sum;
                }
            }
        }
    }
}

/// Adds one row of the kernel to a tile of sums.
#[inline(always)]
fn add_row<const KERNEL: usize, const STRIDE: usize>(
    row: &[[f32; PANEL]],
    taps: &[[f32; PANEL]],
    sums: &mut [[f32; PANEL]; TILE],
) {
    // One check for all that is read below.
    let Some(row) = row.get(..(TILE - 1) * STRIDE + KERNEL) else { return };
    for (tap, weight) in taps.iter().enumerate().take(KERNEL) {
        for (at, sum) in sums.iter_mut().enumerate() {
            if let Some(pixel) = row.get(at * STRIDE + tap) {
                for lane in 0..PANEL {
                    sum[lane] += pixel[lane] * weight[lane];
                }
            }
        }
    }
}
