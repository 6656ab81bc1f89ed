//! Channels weighed by what the whole image shows.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::conv_norm::convolution;
use super::{ConvShape, activate};
use crate::backbone::Loader;
use crate::backbone::primitive::stored;
use crate::error::Result;
use crate::prefix::{self, Activation, Padding, Plan, Value};

/// Squeeze and excite (Hu et al., 2018, section 3): the mean over the image goes through two 1x1 convolutions, whose
/// result multiplies every channel.
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    reduce: Conv2d,
    expand: Conv2d,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    gate: Activation,
}

impl SqueezeExcite {
    /// Takes weight and bias of both convolutions, `channels` to `squeezed` and back.
    ///
    /// # Errors
    /// As the loader gives them.
    pub fn load(
        loader: &mut Loader<'_>,
        [reduce, expand]: [&str; 2],
        [channels, squeezed]: [usize; 2],
        [activation, gate]: [Activation; 2],
    ) -> Result<Self> {
        let none = Padding::Even(0);
        let reduce = convolution(loader, reduce, ConvShape::pointwise(channels, squeezed), none, true)?;
        let expand = convolution(loader, expand, ConvShape::pointwise(squeezed, channels), none, true)?;
        Ok(Self { reduce, expand, activation, gate })
    }

    /// # Shapes
    /// `[batch, channels, height, width]` in and out.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mean = input.clone().mean_dim(2).mean_dim(3);
        let squeezed = activate(self.activation, self.reduce.forward(mean));
        input * activate(self.gate, self.expand.forward(squeezed))
    }

    /// Adds this block to a plan.
    ///
    /// # Errors
    /// `INTERNAL` where the weights cannot be read back or `INTERNAL` where the block does not fit the plan.
    pub fn lower(&self, plan: &mut Plan, from: Value) -> Result<Value> {
        plan.squeeze_excite(prefix::SqueezeExcite {
            from,
            reduce: dense(&self.reduce)?,
            expand: dense(&self.expand)?,
            activation: self.activation,
            gate: self.gate,
        })
    }
}

/// Weight and bias of a 1x1 convolution of one pixel.
fn dense(layer: &Conv2d) -> Result<prefix::Dense> {
    let weight = stored(layer.weight.val())?;
    let bias = match &layer.bias {
        Some(bias) => stored(bias.val())?,
        None => Vec::new(),
    };
    Ok(prefix::Dense { weight, bias })
}
