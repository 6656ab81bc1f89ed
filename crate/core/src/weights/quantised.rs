//! Weights of one byte: whole numbers with a scale for each output channel. Batch norm multiplies output channels, so that
//! they are the same numbers as if it had been folded into them first.

use crate::rank::sort_by_number;
use safetensors::Dtype;

use super::stored::{Stored, Views};
use crate::error::{Error, Result};

/// What follows the name of a tensor of type I8 in the name of its scales.
pub const SCALE_SUFFIX: &str = ".scale";

/// Largest number; -128 is left out, so that a weight and its negative are rounded alike.
const LARGEST: f32 = 127.0;

/// Numbers from -127 to 127, and the scale of each output channel.
///
/// The scale is that of 40 with the least squared error, from none to 40% of the largest value clipped. Then so many numbers are
/// rounded the other way, those next to the middle first, that each channel's sum is kept: what comes out of a ReLU is positive, and
/// an error of the sum moves what is made of it most (Nagel et al. 2019, section 3.3, correct it afterwards).
///
/// # Shapes
/// `values`: `[outputs, ...]`; the numbers as `values`, as bytes; the scales: `[outputs]`.
pub fn quantise(values: &[f32], outputs: usize) -> (Vec<u8>, Vec<f32>) {
    let (mut numbers, mut scales) = (Vec::new(), Vec::new());
    for channel in values.chunks((values.len() / outputs.max(1)).max(1)) {
        let scale = best_scale(channel);
        let mut rounded: Vec<f32> = channel.iter().map(|value| round(*value, scale)).collect();
        keep_sum(&mut rounded, channel, scale);
        numbers.extend(rounded.iter().map(|number| (*number as i8).cast_unsigned()));
        scales.push(scale);
    }
    (numbers, scales)
}

fn round(value: f32, scale: f32) -> f32 {
    (value / scale).round().clamp(-LARGEST, LARGEST)
}

fn best_scale(channel: &[f32]) -> f32 {
    let error =
        |scale: f32| channel.iter().map(|value| (value - round(*value, scale) * scale).powi(2)).sum::<f32>();
    let largest = channel.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    // A channel of zeros needs a scale that is a number all the same.
    let whole = (largest / LARGEST).max(f32::MIN_POSITIVE);
    let clipped = (1..40).map(|step| whole * (1.0 - step as f32 / 100.0));
    clipped.fold(whole, |best, scale| if error(scale) < error(best) { scale } else { best })
}

/// Rounds as many of the numbers the other way as the sum of the channel lacks.
fn keep_sum(rounded: &mut [f32], channel: &[f32], scale: f32) {
    let left: Vec<f32> =
        channel.iter().zip(rounded.iter()).map(|(value, number)| value / scale - number).collect();
    let sum: f32 = left.iter().sum();
    let mut nearest: Vec<_> = rounded.iter_mut().zip(&left).filter(|(n, _)| n.abs() < LARGEST).collect();
    sort_by_number(&mut nearest, |(_, left)| (-**left * sum.signum()).into());
    nearest.into_iter().take(sum.abs().round() as usize).for_each(|(number, _)| *number += sum.signum());
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_next_to_the_values_and_keep_each_channels_sum() {
        // Of the first channel 7 values lie just above the middle between two numbers, and would all be rounded up.
        let first = [127.0, 0.6, 1.6, 2.6, 3.6, 4.6, 5.6, 6.6].map(|value| value * 0.01);
        let second: Vec<f32> = (0..8).map(|place| ((place * 37 % 11) as f32 - 5.0) * 0.3).collect();
        let (numbers, scales) = quantise(&[first.as_slice(), &second, &[0.0; 8]].concat(), 3);
        assert_eq!((numbers.len(), scales.len()), (24, 3));
        for ((channel, numbers), scale) in [&first[..], &second].iter().zip(numbers.chunks(8)).zip(&scales) {
            let values: Vec<f32> = numbers.iter().map(|byte| f32::from(byte.cast_signed()) * scale).collect();
            let sum = |values: &[f32]| values.iter().sum::<f32>();
            assert!((sum(channel) - sum(&values)).abs() <= 0.51 * scale, "{values:?}");
            assert!(channel.iter().zip(&values).all(|(a, b)| (a - b).abs() < scale * 1.01), "{values:?}");
        }
        assert!(numbers[16..].iter().all(|byte| *byte == 0) && scales[2] > 0.0);
    }

    #[test]
    fn whole_multiples_of_a_scale_are_kept_as_they_are() {
        let values: Vec<f32> = [-127i8, -3, 0, 90, 64, 127].iter().map(|n| f32::from(*n) * 0.25).collect();
        let (numbers, scales) = quantise(&values, 1);
        assert_eq!(scales, [0.25]);
        assert_eq!(numbers, [-127i8, -3, 0, 90, 64, 127].map(i8::cast_unsigned));
    }
}
