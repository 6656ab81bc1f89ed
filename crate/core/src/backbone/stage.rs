//! One step of a backbone, between two possible cuts.

use burn::module::Module;
use burn::tensor::Tensor;

use super::blocks::{ConvNorm, Fire, InvertedResidual, MaxPool, Residual};
use crate::error::Result;
use crate::prefix::{Plan, Value};

/// One step of a backbone, between two possible cuts.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a few dozen stages live in one vector; boxes would hide them")]
pub enum Stage {
    /// A convolution with its norm.
    Convolution(ConvNorm),
    /// The largest value of each window.
    MaxPool(MaxPool),
    /// A block of a MobileNet or EfficientNet.
    InvertedResidual(InvertedResidual),
    /// A block of a ResNet.
    Residual(Residual),
    /// A block of a SqueezeNet.
    Fire(Fire),
}

impl Stage {
    /// What it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Convolution(_) => "convolution",
            Self::MaxPool(_) => "maxPool",
            Self::InvertedResidual(_) => "invertedResidual",
            Self::Residual(_) => "residual",
            Self::Fire(_) => "fire",
        }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` in and out.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Convolution(layer) => layer.forward(input),
            Self::MaxPool(pool) => pool.forward(input),
            Self::InvertedResidual(block) => block.forward(input),
            Self::Residual(block) => block.forward(input),
            Self::Fire(block) => block.forward(input),
        }
    }

    /// Adds this stage to a plan.
    ///
    /// # Errors
    /// `INTERNAL` where the weights cannot be read back or `INTERNAL` where the stage does not fit the plan.
    pub fn lower(&self, plan: &mut Plan, from: Value) -> Result<Value> {
        match self {
            Self::Convolution(layer) => layer.lower(plan, from, None, None),
            Self::MaxPool(pool) => pool.lower(plan, from),
            Self::InvertedResidual(block) => block.lower(plan, from),
            Self::Residual(block) => block.lower(plan, from),
            Self::Fire(block) => block.lower(plan, from),
        }
    }
}
