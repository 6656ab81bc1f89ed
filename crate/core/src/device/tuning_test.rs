//! Known answers that this processor must derive before it is trusted to train stages of a backbone.

use std::sync::OnceLock;

use burn::tensor::{Device as BurnDevice, Tensor, TensorData, module::conv2d, ops::ConvOptions};

use super::self_test::{compare, convolved, layer, multiplied, numbers, transposed};
use super::{Device, values};
use crate::error::{Error, Result};

impl Device {
    /// Shows, the first time, that this processor derives known answers with which stages of a backbone are trained; all else
    /// needs none of that, so it is left to whoever fine-tunes.
    ///
    /// # Errors
    /// `DEVICE_WRONG` where an answer is wrong.
    pub fn test_tuning() -> Result<()> {
        static PASSED: OnceLock<()> = OnceLock::new();
        if PASSED.get().is_none() {
            tensors()?;
            PASSED.get_or_init(|| ());
        }
        Ok(())
    }
}

/// Tests a convolution, a depthwise convolution, a matrix product and a gradient.
///
/// # Errors
/// `DEVICE_WRONG` naming the test that failed; `INTERNAL` where the device gives no numbers.
fn tensors() -> Result<()> {
    let device = BurnDevice::flex();
    let image = numbers(8 * 12 * 12, 1);
    for (test, groups) in [("convolution", 1), ("depthwise convolution", 8)] {
        let layer = layer([8, 8], 3, 2, groups);
        let shape = [8, 8 / groups, 3, 3];
        let output = conv2d(
            tensor(&image, [1, 8, 12, 12], &device),
            tensor(&layer.weight, shape, &device),
            Some(tensor(&layer.bias, [8], &device)),
            ConvOptions::new([2, 2], [1, 1], [1, 1], groups),
        );
        compare(test, &values(output)?, &convolved(&image, 12, &layer))?;
    }
    let (a, b) = (numbers(16 * 24, 2), numbers(24 * 8, 3));
    let product = tensor(&a, [16, 24], &device).matmul(tensor(&b, [24, 8], &device));
    let expected = multiplied(&a, &b, 24);
    compare("matrix product", &values(product)?, &expected)?;

    // The gradient of the sum of (a b)^2 / 2 with respect to b is a^T (a b).
    let device = device.autodiff();
    let weights = tensor(&b, [24, 8], &device).require_grad();
    let loss = tensor(&a, [16, 24], &device).matmul(weights.clone()).powi_scalar(2).div_scalar(2.0).sum();
    let gradients = loss.backward();
    let gradient =
        weights.grad(&gradients).ok_or(Error::DeviceWrong { test: "gradient", error: f32::INFINITY })?;
    compare("gradient", &values(gradient)?, &multiplied(&transposed(&a, 24), &expected, 16))
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &BurnDevice) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_processor_passes() {
        Device::test_tuning().unwrap();
    }
}
