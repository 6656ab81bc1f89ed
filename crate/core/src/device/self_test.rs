//! Known answers that a device must give before it is trusted. A WebGPU shader that the browser rejects is only logged and
//! skipped; what is read afterwards are old numbers, without an error.

use crate::dense::{Dense, Rows};
use crate::error::{Error, Result};
use crate::prefix::{Activation, Convolution, CpuPrefix, Padding, Plan, Value};
#[cfg(feature = "gpu")]
use crate::{
    image::{Pixels, Preprocess},
    prefix::GpuPrefix,
};

/// Largest difference from the known answer, in parts of the largest value where that is above one. The order of sums
/// alone moves features by about 1e-5.
const TOLERANCE: f32 = 1e-3;

/// Tests the product and the gradient with which heads are trained.
///
/// # Errors
/// `DEVICE_WRONG` naming the test that failed.
pub fn layers() -> Result<()> {
    let (rows, weights) = (numbers(16 * 24, 2), numbers(24 * 8, 3));
    let layer = Dense::of_weights(&weights, 8);
    let packed = Rows::of(&rows, 24);
    let expected = multiplied(&rows, &weights, 24);
    let product = layer.apply(&packed);
    compare("layer", &product, &expected)?;
    let gradient = layer.gradient(&packed, &product).weights();
    compare("layer's gradient", &gradient, &multiplied(&transposed(&rows, 24), &expected, 16))
}

/// Tests the kernels of the frozen prefix: stem, depthwise and 1x1 convolution.
///
/// # Errors
/// `DEVICE_WRONG` where the answer is wrong.
pub fn prefix() -> Result<()> {
    let layers = [layer([3, 8], 3, 2, 1), layer([8, 8], 3, 1, 8), layer([8, 8], 1, 1, 1)];
    let mut plan = Plan::new(3);
    // `[channels, height, width]` for the loop below, `[height, width, channels]` for the prefix.
    let mut side: usize = 16;
    let mut expected = numbers(3 * side * side, 4);
    let image = transposed(&expected, side * side);
    for (index, layer) in layers.into_iter().enumerate() {
        let activation = if index < 2 { Activation::Relu6 } else { Activation::Linear };
        let layer = Convolution { from: plan.last(), activation, ..layer };
        expected = convolved(&expected, side, &layer);
        side = side.div_ceil(layer.stride);
        if layer.activation == Activation::Relu6 {
            expected.iter_mut().for_each(|value| *value = value.clamp(0.0, 6.0));
        }
        plan.convolution(layer)?;
    }
    compare("frozen prefix", &CpuPrefix::compile(&plan, 16)?.run(&image)?, &expected)
}

/// Tests the kernels that will run, with their tiles, shapes and weights, on an image of many colours; the known answer is
/// this processor's. It is also what makes the driver compile the kernels before the first image comes.
///
/// # Errors
/// `DEVICE_WRONG` where the answer is wrong; as [`GpuPrefix::run`] where there is none.
#[cfg(feature = "gpu")]
pub async fn agrees(gpu: &GpuPrefix, cpu: &CpuPrefix, preprocess: &Preprocess, side: u32) -> Result<()> {
    let colours = numbers((side * side * 3) as usize, 7);
    let rgb = colours.iter().map(|value| ((value + 0.5) * 255.0) as u8).collect();
    let image = Pixels::from_rgb(side, side, rgb)?;
    let expected = cpu.run(&preprocess.normalise(&image))?;
    compare("frozen prefix", &gpu.run(&[image]).await?, &expected)
}

/// The test's layer, with weights that keep the sums small.
pub(super) fn layer([input, output]: [usize; 2], kernel: usize, stride: usize, groups: usize) -> Convolution {
    let weight = numbers(output * input / groups * kernel * kernel, 5);
    Convolution {
        from: Value::IMAGE,
        input,
        output,
        kernel,
        stride,
        padding: Padding::Even(kernel / 2),
        groups,
        weight,
        bias: numbers(output, 6),
        activation: Activation::Linear,
        add: None,
    }
}

/// Numbers from -0.5 to 0.5 that look irregular: the fractions of multiples of the golden ratio.
pub(super) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    (0..count)
        .map(|index| ((index as f64 + 1.0) * 0.618_033_988_75 * f64::from(seed)).fract() as f32 - 0.5)
        .collect()
}

/// The convolution of a `[channels, side, side]` map with half the kernel as padding, straight from its definition.
pub(super) fn convolved(input: &[f32], side: usize, layer: &Convolution) -> Vec<f32> {
    let (kernel, inputs) = (layer.kernel, layer.input / layer.groups);
    let end = side.div_ceil(layer.stride);
    let pixel = |channel: usize, y: usize, x: usize| {
        let pad = kernel / 2;
        let inside = (pad..side + pad).contains(&y) && (pad..side + pad).contains(&x);
        let at = || (channel * side + y - pad) * side + x - pad;
        if inside { input.get(at()).copied().unwrap_or_default() } else { 0.0 }
    };
    let mut output = Vec::with_capacity(layer.output * end * end);
    let kernels = layer.weight.chunks_exact(inputs * kernel * kernel);
    for (channel, (weights, bias)) in kernels.zip(&layer.bias).enumerate() {
        let first = channel / (layer.output / layer.groups) * inputs;
        for (y, x) in (0..end * end).map(|at| (at / end * layer.stride, at % end * layer.stride)) {
            let sum = weights.iter().enumerate().fold(*bias, |sum, (at, weight)| {
                let (input, tap) = (at / (kernel * kernel), at % (kernel * kernel));
                sum + weight * pixel(first + input, y + tap / kernel, x + tap % kernel)
            });
            output.push(sum);
        }
    }
    output
}

/// The product of `[rows, inner]` and `[inner, columns]`.
pub(super) fn multiplied(a: &[f32], b: &[f32], inner: usize) -> Vec<f32> {
    let columns = b.len() / inner;
    let row = |row: &[f32]| {
        (0..columns)
            .map(|column| row.iter().zip(b.iter().skip(column).step_by(columns)).map(|(a, b)| a * b).sum())
            .collect::<Vec<f32>>()
    };
    a.chunks_exact(inner).flat_map(row).collect()
}

/// `[rows, columns]` -> `[columns, rows]`
pub(super) fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

pub(super) fn compare(test: &'static str, found: &[f32], expected: &[f32]) -> Result<()> {
    let error = match found.len() == expected.len() {
        // `f32::max` would pass over a NaN.
        true => found
            .iter()
            .zip(expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, |most, error| if error > most || error.is_nan() { error } else { most }),
        false => f32::INFINITY,
    };
    let largest = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    if error <= TOLERANCE * largest { Ok(()) } else { Err(Error::DeviceWrong { test, error }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_processor_passes() {
        prefix().unwrap();
        layers().unwrap();
    }

    #[test]
    fn a_wrong_number_a_nan_and_a_missing_one_are_found() {
        for found in [&[1.0, 2.01][..], &[1.0, f32::NAN], &[f32::NAN, 2.0], &[1.0]] {
            assert_eq!(
                compare("matrix product", found, &[1.0, 2.0]).unwrap_err().code(),
                "DEVICE_WRONG",
                "{found:?}"
            );
        }
        compare("matrix product", &[1.0005, 2.0], &[1.0, 2.0]).unwrap();
    }

    #[test]
    fn answers_are_neither_all_equal_nor_zero() {
        let image = numbers(8 * 12 * 12, 1);
        let output = convolved(&image, 12, &layer([8, 8], 3, 2, 1));
        let (least, most) = output.iter().fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
        assert!(most - least > 0.5, "{least} to {most}");
    }
}
