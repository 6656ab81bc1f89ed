//! The block of the MobileNets and EfficientNets.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{ConvNorm, SqueezeExcite};
use crate::error::Result;
use crate::prefix::{Plan, Value};

/// Inverted residual (Sandler et al., MobileNetV2, 2018, section 3.3): a 1x1 convolution to more channels, a depthwise
/// one, a 1x1 one to fewer; the input is added where shapes allow. Later networks weigh the channels before the last.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    /// To more channels, where there are more.
    pub(in crate::backbone) expand: Option<ConvNorm>,
    /// Each channel alone.
    pub(in crate::backbone) depthwise: ConvNorm,
    /// Weighs the channels.
    pub(in crate::backbone) squeeze: Option<SqueezeExcite>,
    /// To fewer channels.
    pub(in crate::backbone) project: ConvNorm,
    /// Whether the input is added to the output.
    pub(in crate::backbone) residual: bool,
}

impl InvertedResidual {
    /// # Shapes
    /// `[batch, input, height, width]` -> `[batch, output, height / stride, width / stride]`, rounded up.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mut hidden = input.clone();
        if let Some(expand) = &self.expand {
            hidden = expand.forward(hidden);
        }
        hidden = self.depthwise.forward(hidden);
        if let Some(squeeze) = &self.squeeze {
            hidden = squeeze.forward(hidden);
        }
        let output = self.project.forward(hidden);
        if self.residual { output + input } else { output }
    }

    /// Adds the layers to a plan.
    ///
    /// # Errors
    /// As [`ConvNorm::lower`].
    pub fn lower(&self, plan: &mut Plan, from: Value) -> Result<Value> {
        let mut value = from;
        if let Some(expand) = &self.expand {
            value = expand.lower(plan, value, None, None)?;
        }
        value = self.depthwise.lower(plan, value, None, None)?;
        if let Some(squeeze) = &self.squeeze {
            value = squeeze.lower(plan, value)?;
        }
        self.project.lower(plan, value, self.residual.then_some(from), None)
    }
}
