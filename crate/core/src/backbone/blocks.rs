//! The blocks that stages are made of.

use burn::module::{Module, Param, RunningState};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData, module, ops::ConvOptions};

use super::Take;
use super::depthwise::depthwise;
use super::pointwise::pointwise;
use super::relu6::relu6;
use crate::device;
use crate::error::Result;
use crate::prefix::{Convolution, Plan, Value};

/// Shape of a convolution with square kernel and padding that keeps the size at stride 1.
#[derive(Debug, Clone, Copy)]
pub struct ConvShape {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the kernel; odd.
    pub kernel: usize,
    /// Step of the kernel in both directions.
    pub stride: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl ConvShape {
    /// A 1x1 convolution.
    pub fn pointwise(input: usize, output: usize) -> Self {
        Self { input, output, kernel: 1, stride: 1, groups: 1 }
    }

    /// A 3x3 convolution of each channel alone.
    pub fn depthwise(channels: usize, stride: usize) -> Self {
        Self { input: channels, output: channels, kernel: 3, stride, groups: channels }
    }
}

/// Convolution without bias, batch norm and, where asked, ReLU6.
#[derive(Module, Debug)]
pub struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
    relu6: bool,
}

impl ConvNorm {
    /// Takes `{conv}.weight` and the four tensors of `{norm}`, named as in PyTorch.
    ///
    /// # Errors
    /// As `take` gives them.
    pub fn load(
        take: &mut Take<'_>,
        [conv, norm]: [&str; 2],
        shape: ConvShape,
        relu6: bool,
        device: &Device,
    ) -> Result<Self> {
        let ConvShape { input, output, kernel, stride, groups } = shape;
        let padding = (kernel - 1) / 2;
        let mut layer = Conv2dConfig::new([input, output], [kernel, kernel])
            .with_stride([stride, stride])
            .with_groups(groups)
            .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
            .with_bias(false)
            .init(device);
        let dims = [output, input / groups, kernel, kernel];
        let weight = take(&format!("{conv}.weight"), &dims)?;
        layer.weight = Param::from_data(TensorData::new(weight, dims), device);
        let mut vector = |name: &str| -> Result<Tensor<1>> {
            let values = take(&format!("{norm}.{name}"), &[output])?;
            Ok(Tensor::from_data(TensorData::new(values, [output]), device))
        };
        let mut batch_norm = BatchNormConfig::new(output).init(device);
        batch_norm.gamma = Param::from_tensor(vector("weight")?);
        batch_norm.beta = Param::from_tensor(vector("bias")?);
        batch_norm.running_mean = RunningState::new(vector("running_mean")?);
        batch_norm.running_var = RunningState::new(vector("running_var")?);
        // The few images that a person fine-tunes on say less about the statistics than what the weights come with.
        batch_norm.training = Param::from_bool(false);
        Ok(Self { conv: layer, norm: batch_norm, relu6 })
    }

    /// # Shapes
    /// `[batch, input, height, width]` -> `[batch, output, height / stride, width / stride]`, rounded up.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = self.folded();
        let [_, _, kernel, _] = weight.dims();
        // Channels last, as the pixels of a map are rows of a matrix.
        let rows = input.permute([0, 2, 3, 1]);
        let output = match (kernel, self.conv.stride, self.conv.groups) {
            (1, [1, 1], 1) => pointwise(rows, weight, bias),
            (_, [stride, _], groups) if groups > 1 => depthwise(rows, weight, bias, stride),
            (_, stride, groups) => {
                let options = ConvOptions::new(stride, [kernel / 2; 2], [1, 1], groups);
                let planes = module::conv2d(rows.permute([0, 3, 1, 2]), weight, Some(bias), options);
                planes.permute([0, 2, 3, 1])
            }
        };
        let output = if self.relu6 { relu6(output) } else { output };
        output.permute([0, 3, 1, 2])
    }

    /// Weight and bias with the norm folded in, as [`ConvNorm::lower`] folds it: with statistics that do not change a norm
    /// is a factor and a shift, and so derived it costs no pass over the map.
    fn folded(&self) -> (Tensor<4>, Tensor<1>) {
        let norm = &self.norm;
        let scale = norm.gamma.val() / norm.running_var.value().add_scalar(norm.epsilon).sqrt();
        let bias = norm.beta.val() - norm.running_mean.value() * scale.clone();
        let [output] = scale.dims();
        (self.conv.weight.val() * scale.reshape([output, 1, 1, 1]), bias)
    }

    /// Adds this layer to a plan, the norm folded into the convolution: with `s = gamma / sqrt(variance + epsilon)`,
    /// the weight is `w * s` and the bias `beta - mean * s`. `add` is added to the result.
    ///
    /// # Errors
    /// `DEVICE_LOST` where the weights cannot be read back; `INTERNAL` where the layer does not fit the plan.
    pub async fn lower(&self, plan: &mut Plan, add: Option<Value>) -> Result<Value> {
        let [output, group, kernel, _] = self.conv.weight.dims();
        let mut weight = device::read(self.conv.weight.val()).await?;
        let gamma = device::read(self.norm.gamma.val()).await?;
        let beta = device::read(self.norm.beta.val()).await?;
        let mean = device::read(self.norm.running_mean.value()).await?;
        let variance = device::read(self.norm.running_var.value()).await?;
        let mut bias = Vec::with_capacity(output);
        let kernels = weight.chunks_exact_mut(group * kernel * kernel);
        for (kernel, (((gamma, beta), mean), variance)) in
            kernels.zip(gamma.iter().zip(&beta).zip(&mean).zip(&variance))
        {
            let scale = gamma / (variance + self.norm.epsilon as f32).sqrt();
            kernel.iter_mut().for_each(|value| *value *= scale);
            bias.push(beta - mean * scale);
        }
        plan.convolution(Convolution {
            input: group * self.conv.groups,
            output,
            kernel,
            stride: self.conv.stride[0],
            groups: self.conv.groups,
            weight,
            bias,
            relu6: self.relu6,
            add,
        })
    }
}

/// Inverted residual (Sandler et al., MobileNetV2, 2018, section 3.3): a 1x1 convolution to more channels, a 3x3
/// depthwise one, a linear 1x1 one to fewer; the input is added where shapes allow.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    project: ConvNorm,
    residual: bool,
}

impl InvertedResidual {
    /// Puts the three layers together; `residual` adds the input to the output.
    pub fn new(expand: Option<ConvNorm>, depthwise: ConvNorm, project: ConvNorm, residual: bool) -> Self {
        Self { expand, depthwise, project, residual }
    }

    /// # Shapes
    /// `[batch, input, height, width]` -> `[batch, output, height / stride, width / stride]`, rounded up.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let hidden = match &self.expand {
            Some(expand) => expand.forward(input.clone()),
            None => input.clone(),
        };
        let output = self.project.forward(self.depthwise.forward(hidden));
        if self.residual { output + input } else { output }
    }

    /// Adds the layers to a plan.
    ///
    /// # Errors
    /// As [`ConvNorm::lower`].
    pub async fn lower(&self, plan: &mut Plan) -> Result<Value> {
        let input = self.residual.then_some(plan.last());
        if let Some(expand) = &self.expand {
            expand.lower(plan, None).await?;
        }
        self.depthwise.lower(plan, None).await?;
        self.project.lower(plan, input).await
    }
}
