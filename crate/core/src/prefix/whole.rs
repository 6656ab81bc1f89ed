//! Operations without packed weights: squeeze and excite, max pooling.

use super::operation::{Dense, MaxPool, SqueezeExcite};
use super::plan::Map;
use crate::kernel::{self, PANEL};

/// Multiplies the channels of maps, `[panels][images][pixels][8]`, by what squeeze and excite gives for each image.
pub fn squeeze_excite(block: &SqueezeExcite, map: Map, images: usize, values: &[f32], out: &mut [f32]) {
    let panel = (map.pixels() * PANEL).max(1);
    for image in 0..images {
        let maps = values.chunks_exact(panel).skip(image).step_by(images);
        let means: Vec<f32> = maps.clone().flat_map(kernel::pool).collect();
        let mut squeezed = dense(&block.reduce, &means);
        block.activation.apply(&mut squeezed);
        let mut gates = dense(&block.expand, &squeezed);
        block.gate.apply(&mut gates);
        let out = out.chunks_exact_mut(panel).skip(image).step_by(images);
        for ((map, out), gates) in maps.zip(out).zip(gates.as_chunks::<PANEL>().0) {
            for (pixel, out) in map.as_chunks::<PANEL>().0.iter().zip(out.as_chunks_mut::<PANEL>().0) {
                for ((out, value), gate) in out.iter_mut().zip(pixel).zip(gates) {
                    *out = value * gate;
                }
            }
        }
    }
}

fn dense(layer: &Dense, input: &[f32]) -> Vec<f32> {
    let row = |(weights, bias): (&[f32], &f32)| {
        weights.iter().zip(input).fold(*bias, |sum, (weight, value)| sum + weight * value)
    };
    layer.weight.chunks_exact(input.len().max(1)).zip(&layer.bias).map(row).collect()
}

/// The largest value of each window of maps, `[panels][images][pixels][8]`.
pub fn max_pool(pool: &MaxPool, [input, output]: [Map; 2], values: &[f32], out: &mut [f32]) {
    let [before, after] = [input, output].map(|map| (map.pixels() * PANEL).max(1));
    for (map, out) in values.chunks_exact(before).zip(out.chunks_exact_mut(after)) {
        let pixels = map.as_chunks::<PANEL>().0;
        // Rows or columns of the map that a window covers.
        let covered = |at: usize| {
            let first = (at * pool.stride).saturating_sub(pool.padding);
            first..(at * pool.stride + pool.kernel).saturating_sub(pool.padding).min(input.side)
        };
        for (at, out) in out.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
            let mut largest = [f32::NEG_INFINITY; PANEL];
            for row in covered(at / output.side) {
                let columns = covered(at % output.side);
                let row = pixels.iter().skip(row * input.side + columns.start).take(columns.len());
                for pixel in row {
                    for (most, value) in largest.iter_mut().zip(pixel) {
                        *most = if *value > *most { *value } else { *most };
                    }
                }
            }
            *out = largest;
        }
    }
}
