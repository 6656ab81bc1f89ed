//! Layers over maps in panels, cut into the pieces that the kernels take.

use std::ops::Range;

use super::activation::Activation;
use super::matrix::{Input, Matrix};
use crate::error::{Error, Result};
use crate::kernel::{self, PANEL};

/// Bytes of input that a 1x1 convolution keeps in the cache while its weights stream past.
const CACHED_INPUT: usize = 128 << 10;

/// Pixels that share one passing of the weights, also where their inputs take more than that.
const LEAST_PIXELS: usize = 32;

/// A map that is read: panels of eight channels that begin `stride` numbers apart.
#[derive(Debug, Clone, Copy)]
pub struct Panels<'a> {
    /// The first panel and all after it.
    pub values: &'a [f32],
    /// Numbers from one panel to the next.
    pub stride: usize,
}

/// A map that is written, as [`Panels`].
#[derive(Debug)]
pub struct PanelsMut<'a> {
    /// The first panel and all after it.
    pub values: &'a mut [f32],
    /// Numbers from one panel to the next.
    pub stride: usize,
}

/// A part of a map.
///
/// # Errors
/// `INTERNAL` where the range is outside.
pub fn part(values: &[f32], range: Range<usize>) -> Result<&[f32]> {
    values.get(range).ok_or_else(outside)
}

/// A part of a map to write.
///
/// # Errors
/// `INTERNAL` where the range is outside.
pub fn part_mut(values: &mut [f32], range: Range<usize>) -> Result<&mut [f32]> {
    values.get_mut(range).ok_or_else(outside)
}

/// Memory for as many numbers, all of which are to be written before they are read: it is made longer only, which costs
/// zeros once and not for every layer.
pub fn room(values: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if values.len() < len {
        values.resize(len, 0.0);
    }
    values.split_at_mut(len).0
}

fn outside() -> Error {
    Error::Internal { reason: "a layer of the frozen prefix reached outside its map".into() }
}

/// A 1x1 convolution of as many pixels of all panels. The same pixels of the map `add` are added to the sums.
///
/// # Errors
/// `INTERNAL` where a map is too small.
pub fn pointwise(
    input: Input<'_>,
    pixels: usize,
    weights: &Matrix,
    add: Option<Panels<'_>>,
    activation: Activation,
    out: &mut PanelsMut<'_>,
) -> Result<()> {
    let block = (CACHED_INPUT / weights.input_bytes().max(1)).max(LEAST_PIXELS);
    for start in (0..pixels).step_by(block) {
        let range = start * PANEL..pixels.min(start + block) * PANEL;
        let input = input.from(start)?;
        for panel in 0..weights.panels() {
            let at = |stride: usize| panel * stride + range.start..panel * stride + range.end;
            let add = add.map(|map| part(map.values, at(map.stride))).transpose()?;
            weights.multiply(input, panel, add, activation, part_mut(out.values, at(out.stride))?)?;
        }
    }
    Ok(())
}

/// Rows of one panel of the stem. `image` is padded with a zero row above and a zero pixel before each row.
///
/// # Errors
/// `INTERNAL` where the image is too small.
pub fn stem(image: &[f32], side: usize, panel: &[f32], rows: Range<usize>, out: &mut [f32]) -> Result<()> {
    let stride = (side + 1) * 3;
    for (row, out) in rows.zip(out.chunks_exact_mut(side.div_ceil(2) * PANEL)) {
        kernel::stem(part(image, row * 2 * stride..image.len())?, stride, panel, out);
    }
    Ok(())
}
