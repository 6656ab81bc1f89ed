//! Depthwise convolution with its gradients, channels last: burn derives it with a convolution for each channel.

use std::ops::Range;

use burn::backend::{Autodiff, Flex};
use burn::tensor::{Shape, Tensor};
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

use crate::backbone::primitive::{Primitive, numbers, primitive};

/// A convolution of each channel alone, with half the kernel as padding.
///
/// # Shapes
/// `input`: `[batch, height, width, channels]`; `weight`: `[channels, 1, kernel, kernel]`; `bias`: `[channels]`; result:
/// `[batch, height / stride, width / stride, channels]`, rounded up
pub fn depthwise(
    input: &Tensor<4>,
    weight: &Tensor<4>,
    bias: &Tensor<1>,
    stride: usize,
) -> Option<Tensor<4>> {
    let ([batch, height, width, channels], [_, _, kernel, _]) = (input.dims(), weight.dims());
    let geometry = Geometry { size: [batch, height, width], channels, kernel, stride };
    // `[row, column, channel]`, as the numbers of a pixel lie.
    let taps = weight.clone().reshape([channels, kernel * kernel]).transpose();
    let (input, a) = input.clone().try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    let (taps, b) = taps.try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    let (bias, c) = bias.clone().try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    let (input, taps, bias) = (input.to_contiguous(), taps.to_contiguous(), bias.to_contiguous());
    let output = geometry.convolved(numbers(&input), numbers(&taps), numbers(&bias));
    let output = primitive(output, &geometry.output());
    let output = match Depthwise.prepare::<NoCheckpointing>([a, b, c]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((geometry, input, taps), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct Depthwise;

impl Backward<Flex, 3> for Depthwise {
    /// Input and taps.
    type State = (Geometry, Primitive, Primitive);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (geometry, input, taps) = ops.state;
        let found = geometry.derived(numbers(&gradient), numbers(&input), numbers(&taps));
        let bias = Shape::new([geometry.channels]);
        let shapes = [input.layout().shape(), taps.layout().shape(), &bias];
        for ((parent, values), shape) in ops.parents.into_iter().zip(found).zip(shapes) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, primitive(values, shape));
            }
        }
    }
}

/// The shape of a convolution.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    /// Batch, height and width.
    size: [usize; 3],
    channels: usize,
    kernel: usize,
    stride: usize,
}

impl Geometry {
    fn output(&self) -> Shape {
        let [batch, height, width] = self.size;
        Shape::new([batch, height.div_ceil(self.stride), width.div_ceil(self.stride), self.channels])
    }

    fn convolved(&self, input: &[f32], taps: &[f32], bias: &[f32]) -> Vec<f32> {
        let mut output = bias.repeat(self.output().num_elements() / self.channels.max(1));
        self.each(|[to, from, tap]| {
            let sums = output.get_mut(to).unwrap_or_default();
            let (input, tap) = (input.get(from).unwrap_or_default(), taps.get(tap).unwrap_or_default());
            for ((sum, input), tap) in sums.iter_mut().zip(input).zip(tap) {
                *sum += input * tap;
            }
        });
        output
    }

    /// Gradients of input, taps and bias.
    fn derived(&self, gradient: &[f32], input: &[f32], taps: &[f32]) -> [Vec<f32>; 3] {
        let mut found = [vec![0.0; input.len()], vec![0.0; taps.len()], vec![0.0; self.channels]];
        let [of_input, of_taps, of_bias] = &mut found;
        for pixel in gradient.chunks_exact(self.channels.max(1)) {
            of_bias.iter_mut().zip(pixel).for_each(|(sum, gradient)| *sum += gradient);
        }
        self.each(|[to, from, tap]| {
            let gradient = gradient.get(to).unwrap_or_default();
            let of_input = of_input.get_mut(from.clone()).unwrap_or_default();
            let of_tap = of_taps.get_mut(tap.clone()).unwrap_or_default();
            let (input, tap) = (input.get(from).unwrap_or_default(), taps.get(tap).unwrap_or_default());
            // Two loops: one that wrote to both places could not be made vector code.
            for ((sum, gradient), tap) in of_input.iter_mut().zip(gradient).zip(tap) {
                *sum += gradient * tap;
            }
            for ((sum, gradient), input) in of_tap.iter_mut().zip(gradient).zip(input) {
                *sum += gradient * input;
            }
        });
        found
    }

    /// Gives for each pixel of the output, and each tap that lies inside the input, where their channels are: in the output, in
    /// the input and among the taps.
    fn each(&self, mut give: impl FnMut([Range<usize>; 3])) {
        let [batch, height, width] = self.size;
        let (rows, columns) = (height.div_ceil(self.stride), width.div_ceil(self.stride));
        let padding = self.kernel / 2;
        for pixel in 0..batch * rows * columns {
            let (image, row, column) = (pixel / (rows * columns), pixel / columns % rows, pixel % columns);
            for tap in 0..self.kernel * self.kernel {
                let y = (row * self.stride + tap / self.kernel).checked_sub(padding);
                let x = (column * self.stride + tap % self.kernel).checked_sub(padding);
                if let (Some(y), Some(x)) = (y.filter(|y| *y < height), x.filter(|x| *x < width)) {
                    let from = (image * height + y) * width + x;
                    give([pixel, from, tap].map(|at| at * self.channels..(at + 1) * self.channels));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, module, ops::ConvOptions};

    #[test]
    fn output_and_gradients_are_those_that_burn_derives() {
        let device = Device::flex().autodiff();
        for (kernel, stride, size) in
            [(3, 1, [2usize, 5, 7]), (3, 2, [1, 6, 5]), (5, 1, [1, 4, 4]), (5, 2, [2, 7, 3])]
        {
            let ([batch, height, width], channels) = (size, 12);
            let random = |shape| Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
            let input = random([batch, height, width, channels]).require_grad();
            let weight = random([channels, 1, kernel, kernel]).require_grad();
            let bias = random([1, 1, 1, channels]).reshape([channels]).require_grad();
            let factors = random([batch, height.div_ceil(stride), width.div_ceil(stride), channels]);
            let derived = |output: Tensor<4>| {
                let gradients = (output.clone() * factors.clone()).sum().backward();
                let [a, b] = [&input, &weight].map(|tensor| tensor.grad(&gradients).unwrap().into_data());
                [output.into_data(), a, b, bias.grad(&gradients).unwrap().into_data()]
            };
            let found = derived(depthwise(&input, &weight, &bias, stride).unwrap());
            let options = ConvOptions::new([stride; 2], [kernel / 2; 2], [1; 2], channels);
            let planes = input.clone().permute([0, 3, 1, 2]);
            let planes = module::conv2d(planes, weight.clone(), Some(bias.clone()), options);
            let expected = derived(planes.permute([0, 2, 3, 1]));
            for (found, expected) in found.iter().zip(&expected) {
                found.assert_approx_eq::<f32>(expected, burn::tensor::Tolerance::absolute(1e-5));
            }
        }
    }
}
