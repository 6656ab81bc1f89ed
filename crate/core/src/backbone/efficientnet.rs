//! EfficientNet B0 to B7 and EfficientNet-Lite 0 to 4, as torchvision, timm and the `efficientnet-pytorch` packages build
//! and name them.

use super::mobile::{Recipe, Row, round_channels};
use super::names::{EFFICIENTNET_PYTORCH, TIMM, TORCHVISION_EFFICIENTNET};
use super::{Loader, Stage};
use crate::error::Result;
use crate::prefix::Activation;

/// Groups of inverted residuals: expansion, kernel, channels out, how many, stride of the first (Tan and Le, 2019, table 1).
const GROUPS: [[usize; 5]; 7] = [
    [1, 3, 16, 1, 1],
    [6, 3, 24, 2, 2],
    [6, 5, 40, 2, 2],
    [6, 3, 80, 3, 2],
    [6, 5, 112, 3, 1],
    [6, 5, 192, 4, 2],
    [6, 3, 320, 1, 1],
];

/// B0 to B7: `width` multiplies channels, `depth` the blocks of a group. `epsilon` is torchvision's, which differs among
/// them.
///
/// # Errors
/// As the loader gives them.
pub(super) fn build(loader: &mut Loader<'_>, [width, depth]: [f64; 2], epsilon: f64) -> Result<Vec<Stage>> {
    let stem = round_channels(32.0 * width);
    Recipe {
        names: &TORCHVISION_EFFICIENTNET,
        other_names: &[&TIMM, &EFFICIENTNET_PYTORCH],
        epsilon,
        stem,
        activation: Activation::Silu,
        squeeze: [Activation::Silu, Activation::Sigmoid],
        groups: groups(stem, width, |_, count| deepen(count, depth), Activation::Silu, true),
        separable: false,
        head: Some(round_channels(1280.0 * width)),
    }
    .build(loader)
}

/// Lite 0 to 4: ReLU6, nothing weighed, and first and last layers that do not grow (Liu, EfficientNet-Lite, 2020).
///
/// # Errors
/// As the loader gives them.
pub(super) fn lite(loader: &mut Loader<'_>, [width, depth]: [f64; 2]) -> Result<Vec<Stage>> {
    let last = GROUPS.len() - 1;
    let count = |group, count| if group == 0 || group == last { count } else { deepen(count, depth) };
    Recipe {
        names: &EFFICIENTNET_PYTORCH,
        other_names: &[&TIMM],
        epsilon: 1e-3,
        stem: 32,
        activation: Activation::Relu6,
        squeeze: [Activation::Linear; 2],
        groups: groups(32, width, count, Activation::Relu6, false),
        separable: false,
        head: Some(1280),
    }
    .build(loader)
}

fn deepen(count: usize, depth: f64) -> usize {
    (count as f64 * depth).ceil() as usize
}

/// The blocks; weighed ones squeeze to a quarter of the block's input.
fn groups(
    stem: usize,
    width: f64,
    count: impl Fn(usize, usize) -> usize,
    activation: Activation,
    weighed: bool,
) -> Vec<Vec<Row>> {
    let mut channels = stem;
    let group = |(at, [expansion, kernel, output, repeats, stride]): (usize, [usize; 5])| {
        let output = round_channels(output as f64 * width);
        let row = |index| {
            let input = std::mem::replace(&mut channels, output);
            let stride = if index == 0 { stride } else { 1 };
            let squeeze = weighed.then_some((input / 4).max(1));
            Row { kernel, hidden: input * expansion, output, stride, squeeze, activation }
        };
        (0..count(at, repeats)).map(row).collect()
    };
    GROUPS.into_iter().enumerate().map(group).collect()
}
