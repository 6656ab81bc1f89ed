//! MobileNetV1, as timm builds and names it.

use super::mobile::{Recipe, Row, round_channels};
use super::names::TIMM;
use super::{Loader, Stage};
use crate::error::Result;
use crate::prefix::Activation;

/// Groups of separable convolutions: channels out, how many, stride of the first (Howard et al., 2017, table 1).
const GROUPS: [[usize; 3]; 5] = [[64, 1, 1], [128, 2, 2], [256, 2, 2], [512, 6, 2], [1024, 2, 2]];

/// The first convolution and 13 separable ones. `width` multiplies all channels.
///
/// # Errors
/// As the loader gives them.
pub(super) fn build(loader: &mut Loader<'_>, width: f64) -> Result<Vec<Stage>> {
    let stem = round_channels(32.0 * width);
    let mut hidden = stem;
    let mut group = |[output, count, stride]: [usize; 3]| -> Vec<Row> {
        let output = round_channels(output as f64 * width);
        let row = |index| {
            let stride = if index == 0 { stride } else { 1 };
            let activation = Activation::Relu6;
            Row {
                kernel: 3,
                hidden: std::mem::replace(&mut hidden, output),
                output,
                stride,
                squeeze: None,
                activation,
            }
        };
        (0..count).map(row).collect()
    };
    Recipe {
        names: &TIMM,
        other_names: &[],
        epsilon: 1e-5,
        stem,
        activation: Activation::Relu6,
        squeeze: [Activation::Linear; 2],
        groups: GROUPS.map(&mut group).into(),
        separable: true,
        head: None,
    }
    .build(loader)
}
