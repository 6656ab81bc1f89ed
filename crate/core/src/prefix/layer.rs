//! Layers over maps in panels, cut into the pieces that the kernels take.

use std::ops::Range;

use super::activation::Activation;
use super::packed::Packed;
use crate::error::{Error, Result};
use crate::kernel::{self, Finish, PANEL};

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

fn outside() -> Error {
    Error::Internal { reason: "a layer of the frozen prefix reached outside its map".into() }
}

/// A 1x1 convolution of neighbouring pixels of all panels. The same pixels of the map `add` are added to the sums.
///
/// # Errors
/// `INTERNAL` where a map is too small.
pub fn pointwise(
    input: Panels<'_>,
    pixels: Range<usize>,
    weights: &Packed,
    add: Option<Panels<'_>>,
    activation: Activation,
    out: &mut PanelsMut<'_>,
) -> Result<()> {
    let block = (CACHED_INPUT / (weights.taps() * size_of::<f32>())).max(LEAST_PIXELS);
    for start in pixels.clone().step_by(block) {
        let range = start * PANEL..pixels.end.min(start + block) * PANEL;
        let input_part = part(input.values, range.start..input.values.len())?;
        for (index, panel) in weights.panels().enumerate() {
            let at = |stride: usize| index * stride + range.start..index * stride + range.end;
            // What the kernel cannot do to the sums is done while they are still in the cache.
            let (finish, rest) = match (add, activation) {
                (None, Activation::Relu6) => (Finish::Relu6, Activation::Linear),
                (None, other) => (Finish::Linear, other),
                (Some(map), other) => (Finish::Add(part(map.values, at(map.stride))?), other),
            };
            let out = part_mut(out.values, at(out.stride))?;
            kernel::pointwise(input_part, input.stride, panel, finish, out);
            rest.apply(out);
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
