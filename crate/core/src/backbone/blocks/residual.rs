//! The block of the ResNets.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{ConvNorm, activate};
use crate::error::Result;
use crate::prefix::{Activation, Plan, Value};

/// Residual block (He et al., 2016, figure 5): two 3x3 convolutions, or a 3x3 one between two 1x1 ones; the input is
/// added, through a 1x1 convolution where shapes differ, and ReLU ends it.
#[derive(Module, Debug)]
pub struct Residual {
    /// The convolutions in order; the last one ends without activation.
    pub(in crate::backbone) layers: Vec<ConvNorm>,
    /// The convolution of the input, where shapes differ.
    pub(in crate::backbone) shortcut: Option<ConvNorm>,
}

impl Residual {
    /// # Shapes
    /// `[batch, input, height, width]` -> `[batch, output, height / stride, width / stride]`, rounded up.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.shortcut {
            Some(layer) => layer.forward(input.clone()),
            None => input.clone(),
        };
        let output = self.layers.iter().fold(input, |map, layer| layer.forward(map));
        activate(Activation::Relu, output + shortcut)
    }

    /// Adds the layers to a plan.
    ///
    /// # Errors
    /// As [`ConvNorm::lower`].
    pub fn lower(&self, plan: &mut Plan, from: Value) -> Result<Value> {
        let shortcut = match &self.shortcut {
            Some(layer) => layer.lower(plan, from, None, None)?,
            None => from,
        };
        let mut value = from;
        for (index, layer) in self.layers.iter().enumerate() {
            let last = index + 1 == self.layers.len();
            let add = last.then_some(shortcut);
            value = layer.lower(plan, value, add, last.then_some(Activation::Relu))?;
        }
        Ok(value)
    }
}
