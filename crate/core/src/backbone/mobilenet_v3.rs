//! MobileNetV3, as torchvision and timm build and name it.

use super::mobile::{Recipe, Row, round_channels};
use super::names::{TIMM_V3, TORCHVISION_V3};
use super::{Loader, Stage};
use crate::error::Result;
use crate::prefix::Activation::{self, HardSigmoid, HardSwish, Relu};

/// Kernel, channels of the depthwise convolution, channels out, stride, whether channels are weighed, activation.
type Bneck = (usize, usize, usize, usize, bool, Activation);

/// Howard et al., 2019, table 1, in groups of the same size.
const LARGE: &[&[Bneck]] = &[
    &[(3, 16, 16, 1, false, Relu)],
    &[(3, 64, 24, 2, false, Relu), (3, 72, 24, 1, false, Relu)],
    &[(5, 72, 40, 2, true, Relu), (5, 120, 40, 1, true, Relu), (5, 120, 40, 1, true, Relu)],
    &[
        (3, 240, 80, 2, false, HardSwish),
        (3, 200, 80, 1, false, HardSwish),
        (3, 184, 80, 1, false, HardSwish),
        (3, 184, 80, 1, false, HardSwish),
    ],
    &[(3, 480, 112, 1, true, HardSwish), (3, 672, 112, 1, true, HardSwish)],
    &[
        (5, 672, 160, 2, true, HardSwish),
        (5, 960, 160, 1, true, HardSwish),
        (5, 960, 160, 1, true, HardSwish),
    ],
];

/// The same, table 2.
const SMALL: &[&[Bneck]] = &[
    &[(3, 16, 16, 2, true, Relu)],
    &[(3, 72, 24, 2, false, Relu), (3, 88, 24, 1, false, Relu)],
    &[(5, 96, 40, 2, true, HardSwish), (5, 240, 40, 1, true, HardSwish), (5, 240, 40, 1, true, HardSwish)],
    &[(5, 120, 48, 1, true, HardSwish), (5, 144, 48, 1, true, HardSwish)],
    &[(5, 288, 96, 2, true, HardSwish), (5, 576, 96, 1, true, HardSwish), (5, 576, 96, 1, true, HardSwish)],
];

/// The large network: 17 stages, torchvision's `features.0` to `features.16`. The layer after the pooling belongs to the
/// classifier.
///
/// # Errors
/// As the loader gives them.
pub(super) fn large(loader: &mut Loader<'_>) -> Result<Vec<Stage>> {
    build(loader, LARGE, 960)
}

/// The small network: 13 stages.
///
/// # Errors
/// As the loader gives them.
pub(super) fn small(loader: &mut Loader<'_>) -> Result<Vec<Stage>> {
    build(loader, SMALL, 576)
}

fn build(loader: &mut Loader<'_>, groups: &[&[Bneck]], head: usize) -> Result<Vec<Stage>> {
    let row = |&(kernel, hidden, output, stride, weighed, activation): &Bneck| Row {
        kernel,
        hidden,
        output,
        stride,
        squeeze: weighed.then(|| round_channels(hidden as f64 / 4.0)),
        activation,
    };
    Recipe {
        names: &TORCHVISION_V3,
        other_names: &[&TIMM_V3],
        epsilon: 1e-3,
        stem: 16,
        activation: HardSwish,
        squeeze: [Relu, HardSigmoid],
        groups: groups.iter().map(|group| group.iter().map(row).collect()).collect(),
        separable: false,
        head: Some(head),
    }
    .build(loader)
}
