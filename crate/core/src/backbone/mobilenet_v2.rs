//! MobileNetV2, as torchvision and timm build and name it.

use super::mobile::{Recipe, Row, round_channels};
use super::names::{TIMM, TORCHVISION_V2};
use super::{Loader, Stage};
use crate::error::Result;
use crate::prefix::Activation;

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

/// The 19 stages, which are torchvision's `features.0` to `features.18`. `width` multiplies all channels, those of the last
/// layer only where it is above one.
///
/// # Errors
/// As the loader gives them.
pub(super) fn build(loader: &mut Loader<'_>, width: f64) -> Result<Vec<Stage>> {
    let stem = round_channels(32.0 * width);
    let mut channels = stem;
    let mut group = |[expansion, output, count, stride]: [usize; 4]| -> Vec<Row> {
        let output = round_channels(output as f64 * width);
        let row = |index| Row {
            kernel: 3,
            hidden: expansion * std::mem::replace(&mut channels, output),
            output,
            stride: if index == 0 { stride } else { 1 },
            squeeze: None,
            activation: Activation::Relu6,
        };
        (0..count).map(row).collect()
    };
    Recipe {
        names: &TORCHVISION_V2,
        other_names: &[&TIMM],
        epsilon: 1e-5,
        stem,
        activation: Activation::Relu6,
        squeeze: [Activation::Linear; 2],
        groups: GROUPS.map(&mut group).into(),
        separable: false,
        head: Some(round_channels(1280.0 * width.max(1.0))),
    }
    .build(loader)
}
