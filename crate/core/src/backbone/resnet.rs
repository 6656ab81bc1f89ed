//! ResNet 18 to 152, as torchvision and timm build and name them: the stride of a bottleneck is in its 3x3 convolution.

use super::blocks::{ConvShape, MaxPool, Residual, Window};
use super::{Loader, Stage};
use crate::error::Result;
use crate::prefix::Activation::{Linear, Relu};

/// Blocks of two 3x3 convolutions, `counts` of them at each size (He et al., 2016, table 1).
///
/// # Errors
/// As the loader gives them.
pub(super) fn basic(loader: &mut Loader<'_>, counts: [usize; 4]) -> Result<Vec<Stage>> {
    build(loader, counts, 1, |input, width, stride| {
        vec![ConvShape::full(input, width, 3, stride), ConvShape::full(width, width, 3, 1)]
    })
}

/// Blocks of a 3x3 convolution between two 1x1 ones, to four times the channels.
///
/// # Errors
/// As the loader gives them.
pub(super) fn bottleneck(loader: &mut Loader<'_>, counts: [usize; 4]) -> Result<Vec<Stage>> {
    build(loader, counts, 4, |input, width, stride| {
        vec![
            ConvShape::pointwise(input, width),
            ConvShape::full(width, width, 3, stride),
            ConvShape::pointwise(width, width * 4),
        ]
    })
}

/// The first convolution with the pooling after it, then a stage for each block.
fn build(
    loader: &mut Loader<'_>,
    counts: [usize; 4],
    expansion: usize,
    shapes: impl Fn(usize, usize, usize) -> Vec<ConvShape>,
) -> Result<Vec<Stage>> {
    let names = |conv: &str, norm: &str| [conv.to_owned(), norm.to_owned()];
    let stem = loader.layer(&names("conv1", "bn1"), ConvShape::full(3, 64, 7, 2), Relu)?;
    let pool = MaxPool::new(Window { kernel: 3, stride: 2, padding: 1, ceil: false });
    let mut stages = vec![Stage::Convolution(stem), Stage::MaxPool(pool)];
    let mut channels = 64;
    for (group, count) in counts.into_iter().enumerate() {
        for index in 0..count {
            let name = format!("layer{}.{index}", group + 1);
            let (width, stride) = (64 << group, if group > 0 && index == 0 { 2 } else { 1 });
            let output = width * expansion;
            let shapes = shapes(channels, width, stride);
            let mut layers = Vec::new();
            for (at, shape) in shapes.iter().enumerate() {
                let activation = if at + 1 == shapes.len() { Linear } else { Relu };
                let names = names(&format!("{name}.conv{}", at + 1), &format!("{name}.bn{}", at + 1));
                layers.push(loader.layer(&names, *shape, activation)?);
            }
            let shortcut = match stride == 1 && channels == output {
                true => None,
                false => {
                    let names = names(&format!("{name}.downsample.0"), &format!("{name}.downsample.1"));
                    Some(loader.layer(&names, ConvShape::full(channels, output, 1, stride), Linear)?)
                }
            };
            stages.push(Stage::Residual(Residual { layers, shortcut }));
            channels = output;
        }
    }
    Ok(stages)
}
