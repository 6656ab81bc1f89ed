//! 1x1 convolution with its gradients, as products of matrices by the prefix's kernels; those that burn multiplies by do
//! without relaxed SIMD in WebAssembly.

use burn::backend::{Autodiff, Flex};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

use crate::backbone::primitive::{Primitive, numbers, primitive};
use crate::dense::{Dense, Rows};

/// Bytes of rows that stay in the cache while the weights stream past.
const CACHED_ROWS: usize = 128 << 10;

/// Each pixel's channels times a matrix, plus the bias.
///
/// # Shapes
/// `input`: `[batch, height, width, channels]`; `weight`: `[output, channels, 1, 1]`; `bias`: `[output]`; result:
/// `[batch, height, width, output]`
pub fn pointwise(input: &Tensor<4>, weight: &Tensor<4>, bias: &Tensor<1>) -> Option<Tensor<4>> {
    let ([batch, height, width, channels], [output, ..]) = (input.dims(), weight.dims());
    let pixels = input.clone().reshape([batch * height * width, channels]);
    let sums = product(pixels, weight.clone().reshape([output, channels]), bias.clone())?;
    Some(sums.reshape([batch, height, width, output]))
}

/// `[rows, inputs]` times `[outputs, inputs]`, transposed, plus `[outputs]`.
fn product(rows: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Option<Tensor<2>> {
    let (rows, a) = rows.try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    let (weight, b) = weight.try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    let (bias, c) = bias.try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    let (rows, weight, bias) = (rows.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
    let [count, _] = dims(&rows);
    let [outputs, inputs] = dims(&weight);
    let layer = Dense::of_columns(numbers(&weight), inputs).with_biases(numbers(&bias));
    let output = primitive(apply(&layer, numbers(&rows)), &Shape::new([count, outputs]));
    let output = match Product.prepare::<NoCheckpointing>([a, b, c]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((rows, weight), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct Product;

impl Backward<Flex, 3> for Product {
    /// Rows and weight.
    type State = (Primitive, Primitive);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (rows, weight) = ops.state;
        let [outputs, inputs] = dims(&weight);
        let [of_rows, of_weight, of_bias] = ops.parents;
        if let Some(parent) = of_rows {
            let columns = weight.transpose(0, 1).to_contiguous();
            let found = apply(&Dense::of_columns(numbers(&columns), outputs), numbers(&gradient));
            gradients.register::<Flex>(parent.id, primitive(found, rows.layout().shape()));
        }
        if of_weight.is_none() && of_bias.is_none() {
            return;
        }
        let layer = Dense::zeros(inputs, outputs);
        let found = layer.gradient(&Rows::of(numbers(&rows), inputs), numbers(&gradient));
        if let Some(parent) = of_weight {
            gradients.register::<Flex>(parent.id, primitive(found.columns(), weight.layout().shape()));
        }
        if let Some(parent) = of_bias {
            gradients.register::<Flex>(parent.id, primitive(found.biases(), &Shape::new([outputs])));
        }
    }
}

/// The layer on all rows, a few at a time.
fn apply(layer: &Dense, rows: &[f32]) -> Vec<f32> {
    let length = layer.inputs().max(1);
    let block = (CACHED_ROWS / (length * size_of::<f32>())).max(1);
    let mut output = Vec::with_capacity(rows.len() / length * layer.outputs());
    for some in rows.chunks(block * length) {
        output.extend_from_slice(&layer.apply(&Rows::of(some, length)));
    }
    output
}

fn dims(tensor: &Primitive) -> [usize; 2] {
    tensor.layout().shape().dims()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn output_and_gradients_are_those_that_burn_derives() {
        let device = Device::flex().autodiff();
        for (channels, output, size) in [(8, 16, [2, 3, 5]), (12, 5, [1, 7, 7]), (1100, 9, [2, 5, 4])] {
            let [batch, height, width] = size;
            let random = |shape| Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
            let input = random([batch, height, width, channels]).require_grad();
            let weight = random([output, channels, 1, 1]).require_grad();
            let bias = random([1, 1, 1, output]).reshape([output]).require_grad();
            let factors = random([batch, height, width, output]);
            let derived = |result: Tensor<4>| {
                let gradients = (result.clone() * factors.clone()).sum().backward();
                let [a, b] = [&input, &weight].map(|tensor| tensor.grad(&gradients).unwrap().into_data());
                [result.into_data(), a, b, bias.grad(&gradients).unwrap().into_data()]
            };
            let found = derived(pointwise(&input, &weight, &bias).unwrap());
            let pixels = input.clone().reshape([batch * height * width, channels]);
            let sums = pixels.matmul(weight.clone().reshape([output, channels]).transpose());
            let sums = sums + bias.clone().unsqueeze::<2>();
            let expected = derived(sums.reshape([batch, height, width, output]));
            for (found, expected) in found.iter().zip(&expected) {
                found.assert_approx_eq::<f32>(expected, Tolerance::absolute(1e-4));
            }
        }
    }
}
