//! Weights of one byte: whole numbers with a scale for each output channel.

use safetensors::Dtype;

use super::stored::{Stored, Views};
use crate::error::{Error, Result};

/// What follows the name of a tensor of type I8 in the name of its scales.
pub const SCALE_SUFFIX: &str = ".scale";

/// The values of a tensor of type I8: each number times the scale of its output channel, which is the outermost. Takes the
/// scales, `[output]` f32 under the tensor's name and [`SCALE_SUFFIX`], out of `views`.
///
/// # Errors
/// `WEIGHTS_MISMATCH` where the scales are absent or not one for each output channel; `WEIGHTS_FORMAT` where their type is
/// not f32, or one is not positive and finite.
pub fn values(name: &str, tensor: &Stored<'_>, views: &mut Views<'_>) -> Result<Vec<f32>> {
    let name = format!("{name}{SCALE_SUFFIX}");
    let outputs = tensor.shape.first().copied().unwrap_or(1);
    let mismatch = |found: String| Error::WeightsMismatch {
        tensor: name.clone(),
        expected: format!("[{outputs}]"),
        found,
    };
    let format = |what: &str| Error::WeightsFormat { reason: format!("tensor `{name}` {what}") };
    let stored = views.remove(&name).ok_or_else(|| mismatch("absent".into()))?;
    if stored.shape != [outputs] {
        return Err(mismatch(format!("{:?}", stored.shape)));
    }
    if stored.dtype != Dtype::F32 {
        return Err(format("is not f32, as scales are"));
    }
    let scales: Vec<f32> = stored.data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if !scales.iter().all(|scale| scale.is_finite() && *scale > 0.0) {
        return Err(format("has scales that are not positive and finite"));
    }
    let each = (tensor.data.len() / outputs.max(1)).max(1);
    let channels = tensor.data.chunks(each).zip(scales);
    Ok(channels
        .flat_map(|(bytes, scale)| bytes.iter().map(move |byte| f32::from(byte.cast_signed()) * scale))
        .collect())
}
