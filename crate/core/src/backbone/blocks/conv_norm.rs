//! A convolution with its norm and activation.

use burn::module::{Module, Param, RunningState};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, PaddingConfig2d};
use burn::tensor::{Tensor, module, ops::ConvOptions};

use super::activate;
use crate::backbone::primitive::{stored, tensor};
use crate::backbone::{Loader, gradients};
use crate::error::Result;
use crate::prefix::{Activation, Convolution, Padding, Plan, Value};

/// Shape of a convolution with a square kernel.
#[derive(Debug, Clone, Copy)]
pub struct ConvShape {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step of the kernel in both directions.
    pub stride: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl ConvShape {
    /// A convolution that sees all channels.
    pub fn full(input: usize, output: usize, kernel: usize, stride: usize) -> Self {
        Self { input, output, kernel, stride, groups: 1 }
    }

    /// A 1x1 convolution.
    pub fn pointwise(input: usize, output: usize) -> Self {
        Self::full(input, output, 1, 1)
    }

    /// A convolution of each channel alone.
    pub fn depthwise(channels: usize, kernel: usize, stride: usize) -> Self {
        Self { input: channels, output: channels, kernel, stride, groups: channels }
    }
}

/// Convolution, batch norm where the architecture has one, and activation.
#[derive(Module, Debug)]
pub struct ConvNorm {
    conv: Conv2d,
    norm: Option<BatchNorm>,
    #[module(skip)]
    activation: Activation,
}

impl ConvNorm {
    /// Takes `{conv}.weight` and the four tensors of `{norm}`, named as in PyTorch. The padding is half of the kernel, or
    /// what TensorFlow calls `same`, as the weights were trained with.
    ///
    /// # Errors
    /// As the loader gives them.
    pub fn load(
        loader: &mut Loader<'_>,
        [conv, norm]: [&str; 2],
        shape: ConvShape,
        activation: Activation,
    ) -> Result<Self> {
        let conv = convolution(loader, conv, shape, loader.padding(shape.kernel), false)?;
        let norm = Some(batch_norm(loader, norm, shape.output)?);
        Ok(Self { conv, norm, activation })
    }

    /// A convolution with a bias, and a norm where one is named; networks from before batch norm are made of it.
    ///
    /// # Errors
    /// As the loader gives them.
    pub fn biased(
        loader: &mut Loader<'_>,
        conv: &str,
        norm: Option<&str>,
        shape: ConvShape,
        padding: usize,
    ) -> Result<Self> {
        let conv = convolution(loader, conv, shape, Padding::Even(padding), true)?;
        let norm = norm.map(|norm| batch_norm(loader, norm, shape.output)).transpose()?;
        Ok(Self { conv, norm, activation: Activation::Relu })
    }

    /// # Shapes
    /// `[batch, input, height, width]` -> `[batch, output, height / stride, width / stride]`, rounded up where the padding
    /// is half of the kernel.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, channels, height, width] = input.dims();
        let Conv2d { kernel_size: [kernel, _], stride: [stride, _], dilation, groups, .. } = &self.conv;
        let (weight, bias) = self.folded();
        let [output, ..] = weight.dims();
        // Channels last, as the pixels of a map are rows of a matrix.
        let rows = input.permute([0, 2, 3, 1]);
        let alone = *groups == channels && *groups == output && self.padding() == Padding::Even(kernel / 2);
        let derived = match (kernel, stride, groups) {
            (1, 1, 1) => gradients::pointwise(&rows, &weight, &bias),
            _ if *groups > 1 && alone => gradients::depthwise(&rows, &weight, &bias, *stride),
            _ => None,
        };
        let result = derived.unwrap_or_else(|| match (kernel, stride, groups) {
            (1, 1, 1) => product(rows, weight, bias),
            _ => {
                let around = [height, width].map(|side| self.padding().around(side, *kernel, *stride));
                let options = ConvOptions::new_with_padding([*stride; 2], around, *dilation, *groups);
                let planes = module::conv2d(rows.permute([0, 3, 1, 2]), weight, Some(bias), options);
                planes.permute([0, 2, 3, 1])
            }
        });
        activate(self.activation, result).permute([0, 3, 1, 2])
    }

    fn padding(&self) -> Padding {
        match self.conv.padding {
            PaddingConfig2d::Same => Padding::Same,
            PaddingConfig2d::Explicit(padding, ..) => Padding::Even(padding),
            PaddingConfig2d::Valid => Padding::Even(0),
        }
    }

    /// Weight and bias with the norm folded in, as [`ConvNorm::lower`] folds it: with statistics that do not change a norm
    /// is a factor and a shift, and so derived it costs no pass over the map.
    fn folded(&self) -> (Tensor<4>, Tensor<1>) {
        let weight = self.conv.weight.val();
        let [output, ..] = weight.dims();
        let bias = self.conv.bias.as_ref().map(|bias| bias.val());
        let bias = bias.unwrap_or_else(|| Tensor::zeros([output], &weight.device()));
        let Some(norm) = &self.norm else { return (weight, bias) };
        let scale = norm.gamma.val() / norm.running_var.value().add_scalar(norm.epsilon).sqrt();
        let bias = norm.beta.val() + (bias - norm.running_mean.value()) * scale.clone();
        (weight * scale.reshape([output, 1, 1, 1]), bias)
    }

    /// Adds this layer to a plan, the norm folded into the convolution: with `s = gamma / sqrt(variance + epsilon)`,
    /// the weight is `w * s` and the bias `beta + (b - mean) * s`. `add` is added to the result before `activation`, which
    /// is the layer's own where none is given.
    ///
    /// # Errors
    /// `INTERNAL` where the weights cannot be read back or `INTERNAL` where the layer does not fit the plan.
    pub fn lower(
        &self,
        plan: &mut Plan,
        from: Value,
        add: Option<Value>,
        activation: Option<Activation>,
    ) -> Result<Value> {
        let [output, group, kernel, _] = self.conv.weight.dims();
        let mut weight = stored(self.conv.weight.val())?;
        let mut bias = match &self.conv.bias {
            Some(bias) => stored(bias.val())?,
            None => vec![0.0; output],
        };
        if let Some(norm) = &self.norm {
            fold(norm, &mut weight, &mut bias)?;
        }
        plan.convolution(Convolution {
            from,
            input: group * self.conv.groups,
            output,
            kernel,
            stride: self.conv.stride[0],
            padding: self.padding(),
            groups: self.conv.groups,
            weight,
            bias,
            activation: activation.unwrap_or(self.activation),
            add,
        })
    }
}

/// A 1x1 convolution as one product over the pixels of all images: burn's goes image by image.
fn product(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    let ([batch, height, width, channels], [output, ..]) = (input.dims(), weight.dims());
    let pixels = input.reshape([batch * height * width, channels]);
    let sums = pixels.matmul(weight.reshape([output, channels]).transpose()) + bias.unsqueeze::<2>();
    sums.reshape([batch, height, width, output])
}

/// Multiplies a norm into the weight and bias of the convolution before it.
fn fold(norm: &BatchNorm, weight: &mut [f32], bias: &mut [f32]) -> Result<()> {
    let gamma = stored(norm.gamma.val())?;
    let beta = stored(norm.beta.val())?;
    let mean = stored(norm.running_mean.value())?;
    let variance = stored(norm.running_var.value())?;
    let kernels = weight.chunks_exact_mut((weight.len() / bias.len()).max(1));
    let channels = gamma.iter().zip(&beta).zip(&mean).zip(&variance);
    for ((kernel, bias), (((gamma, beta), mean), variance)) in kernels.zip(bias).zip(channels) {
        let scale = gamma / (variance + norm.epsilon as f32).sqrt();
        kernel.iter_mut().for_each(|value| *value *= scale);
        *bias = beta + (*bias - mean) * scale;
    }
    Ok(())
}

/// A convolution with `{name}.weight` and, where it has one, `{name}.bias`.
pub(super) fn convolution(
    loader: &mut Loader<'_>,
    name: &str,
    shape: ConvShape,
    padding: Padding,
    bias: bool,
) -> Result<Conv2d> {
    let ConvShape { input, output, kernel, stride, groups } = shape;
    let dims = [output, input / groups, kernel, kernel];
    let weight = loader.take(&format!("{name}.weight"), &dims)?;
    let bias = if bias { Some(loader.take(&format!("{name}.bias"), &[output])?) } else { None };
    // Not by burn's configuration: with it come all the ways to draw weights at random, and what those compute with.
    Ok(Conv2d {
        weight: Param::from_tensor(tensor(weight, dims)),
        bias: bias.map(|bias| Param::from_tensor(tensor(bias, [output]))),
        stride: [stride; 2],
        kernel_size: [kernel; 2],
        dilation: [1; 2],
        groups,
        padding: match padding {
            Padding::Even(padding) => PaddingConfig2d::Explicit(padding, padding, padding, padding),
            Padding::Same => PaddingConfig2d::Same,
        },
    })
}

/// The batch norm of this name, with the epsilon that the weights were trained with.
fn batch_norm(loader: &mut Loader<'_>, name: &str, channels: usize) -> Result<BatchNorm> {
    let mut take = |part: &str| -> Result<Tensor<1>> {
        Ok(tensor(loader.take(&format!("{name}.{part}"), &[channels])?, [channels]))
    };
    let [gamma, beta, mean, variance] =
        [take("weight")?, take("bias")?, take("running_mean")?, take("running_var")?];
    Ok(BatchNorm {
        gamma: Param::from_tensor(gamma),
        beta: Param::from_tensor(beta),
        running_mean: RunningState::new(mean),
        running_var: RunningState::new(variance),
        // The few images that a person fine-tunes on say less about the statistics than what the weights come with.
        training: Param::from_bool(false),
        momentum: 0.0,
        epsilon: loader.epsilon(),
    })
}
