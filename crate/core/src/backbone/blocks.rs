//! The blocks that stages are made of.

mod conv_norm;
mod fire;
mod inverted_residual;
mod max_pool;
mod residual;
mod squeeze_excite;

pub use conv_norm::{ConvNorm, ConvShape};
pub use fire::Fire;
pub use inverted_residual::InvertedResidual;
pub use max_pool::{MaxPool, Window};
pub use residual::Residual;
pub use squeeze_excite::SqueezeExcite;

use burn::tensor::Tensor;
use burn::tensor::activation::{hard_sigmoid, hard_swish, relu, relu6, sigmoid, silu};

use super::gradients;
use crate::prefix::Activation;

/// The function between layers on a tensor of the definition.
fn activate(activation: Activation, input: Tensor<4>) -> Tensor<4> {
    match activation {
        Activation::Linear => input,
        Activation::Relu => relu(input),
        Activation::Relu6 => gradients::relu6(&input).unwrap_or_else(|| relu6(input)),
        Activation::HardSwish => hard_swish(input),
        Activation::Silu => silu(input),
        Activation::HardSigmoid => hard_sigmoid(input, 1.0 / 6.0, 0.5),
        Activation::Sigmoid => sigmoid(input),
    }
}
