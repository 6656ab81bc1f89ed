//! What a build without gradients has in their place.

use burn::tensor::Tensor;

pub fn depthwise(_: &Tensor<4>, _: &Tensor<4>, _: &Tensor<1>, _: usize) -> Option<Tensor<4>> {
    None
}

pub fn pointwise(_: &Tensor<4>, _: &Tensor<4>, _: &Tensor<1>) -> Option<Tensor<4>> {
    None
}

pub fn relu6<const D: usize>(_: &Tensor<D>) -> Option<Tensor<D>> {
    None
}
