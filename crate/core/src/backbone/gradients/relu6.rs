//! ReLU6 with its gradient in one pass: burn derives a clamp as comparisons and masks, each a pass of its own.

use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

use crate::backbone::primitive::{Primitive, numbers, primitive};

/// `min(max(x, 0), 6)`; the gradient is zero at both ends, as PyTorch's.
pub fn relu6<const D: usize>(input: &Tensor<D>) -> Option<Tensor<D>> {
    let (input, node) = input.clone().try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    let input = input.to_contiguous();
    let clamped = numbers(&input).iter().map(|value| value.clamp(0.0, 6.0)).collect();
    let output = primitive(clamped, input.layout().shape());
    let output = match Relu6.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(output.clone(), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct Relu6;

impl Backward<Flex, 1> for Relu6 {
    /// What it gave.
    type State = Primitive;

    fn backward(self, ops: Ops<Primitive, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [Some(input)] = ops.parents else { return };
        let pairs = numbers(&gradient).iter().zip(numbers(&ops.state));
        let passed = pairs.map(|(gradient, y)| if *y > 0.0 && *y < 6.0 { *gradient } else { 0.0 }).collect();
        gradients.register::<Flex>(input.id, primitive(passed, gradient.layout().shape()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn it_is_a_clamp_and_so_is_its_gradient() {
        let input = Tensor::<1>::from_floats([-1.0, 0.0, 0.5, 5.5, 6.0, 7.0], &Device::flex().autodiff());
        let input = input.require_grad();
        let output = relu6(&input).unwrap();
        output.to_data().assert_eq(&[0.0f32, 0.0, 0.5, 5.5, 6.0, 6.0].into(), true);
        let gradients = output.powi_scalar(2).sum().backward();
        let found = input.grad(&gradients).unwrap().into_data();
        found.assert_eq(&[0.0f32, 0.0, 1.0, 11.0, 0.0, 0.0].into(), true);
    }
}
