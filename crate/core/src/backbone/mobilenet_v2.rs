//! MobileNetV2, width 1.0, as torchvision builds and names it.

use burn::tensor::Device;

use super::blocks::{ConvNorm, ConvShape, InvertedResidual};
use super::{Stage, Take};
use crate::error::Result;

/// Groups of inverted residuals: expansion, channels out, how many, stride of the first (Sandler et al., 2018, table 2).
const GROUPS: [[usize; 4]; 7] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
];

/// The 19 stages, which are torchvision's `features.0` to `features.18`.
///
/// # Errors
/// As `take` gives them.
pub(super) fn build(take: &mut Take<'_>, device: &Device) -> Result<Vec<Stage>> {
    let stem = ConvShape { input: 3, output: 32, kernel: 3, stride: 2, groups: 1 };
    let mut stages =
        vec![Stage::Convolution(ConvNorm::load(take, ["features.0.0", "features.0.1"], stem, true, device)?)];
    let mut channels = stem.output;
    for [expansion, output, count, stride] in GROUPS {
        for index in 0..count {
            let stride = if index == 0 { stride } else { 1 };
            let name = format!("features.{}.conv", stages.len());
            let block =
                inverted_residual(take, &name, [channels, channels * expansion, output], stride, device)?;
            stages.push(Stage::InvertedResidual(block));
            channels = output;
        }
    }
    let last = ConvShape::pointwise(channels, 1280);
    stages.push(Stage::Convolution(ConvNorm::load(
        take,
        ["features.18.0", "features.18.1"],
        last,
        true,
        device,
    )?));
    Ok(stages)
}

/// One block; torchvision leaves the first layer out where nothing is expanded, and the others move up.
fn inverted_residual(
    take: &mut Take<'_>,
    name: &str,
    [input, hidden, output]: [usize; 3],
    stride: usize,
    device: &Device,
) -> Result<InvertedResidual> {
    let at = usize::from(hidden != input);
    let names = |conv: String, norm: String| [format!("{name}.{conv}"), format!("{name}.{norm}")];
    let mut layer = |[conv, norm]: [String; 2], shape: ConvShape, relu6: bool| {
        ConvNorm::load(take, [&conv, &norm], shape, relu6, device)
    };
    let expand = match at {
        0 => None,
        _ => Some(layer(names("0.0".into(), "0.1".into()), ConvShape::pointwise(input, hidden), true)?),
    };
    let depthwise =
        layer(names(format!("{at}.0"), format!("{at}.1")), ConvShape::depthwise(hidden, stride), true)?;
    let project = layer(
        names(format!("{}", at + 1), format!("{}", at + 2)),
        ConvShape::pointwise(hidden, output),
        false,
    )?;
    Ok(InvertedResidual::new(expand, depthwise, project, stride == 1 && input == output))
}
