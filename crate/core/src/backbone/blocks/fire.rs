//! The block of SqueezeNet.

use burn::module::Module;
use burn::tensor::Tensor;

use super::ConvNorm;
use crate::error::Result;
use crate::prefix::{Plan, Value};

/// Fire module (Iandola et al., SqueezeNet, 2016, section 3.2): a 1x1 convolution to few channels, then a 1x1 and a
/// 3x3 one side by side.
#[derive(Module, Debug)]
pub struct Fire {
    /// To few channels.
    pub(in crate::backbone) squeeze: ConvNorm,
    /// The 1x1 and the 3x3 convolution, whose channels follow each other.
    pub(in crate::backbone) expand: [ConvNorm; 2],
}

impl Fire {
    /// # Shapes
    /// `[batch, input, height, width]` -> `[batch, output, height, width]`
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let squeezed = self.squeeze.forward(input);
        Tensor::cat(self.expand.iter().map(|layer| layer.forward(squeezed.clone())).collect(), 1)
    }

    /// Adds the layers to a plan.
    ///
    /// # Errors
    /// As [`ConvNorm::lower`].
    pub fn lower(&self, plan: &mut Plan, from: Value) -> Result<Value> {
        let squeezed = self.squeeze.lower(plan, from, None, None)?;
        let [left, right] = &self.expand;
        let left = left.lower(plan, squeezed, None, None)?;
        let right = right.lower(plan, squeezed, None, None)?;
        plan.join([left, right])
    }
}
