//! SqueezeNet 1.1, as torchvision builds and names it. The last convolution belongs to the classifier.

use super::blocks::{ConvNorm, ConvShape, Fire, MaxPool, Window};
use super::{Loader, Stage};
use crate::error::Result;

/// Fire modules: place in `features`, channels in, squeezed, and out of each of the two convolutions (Iandola et al., 2016,
/// and the release notes of version 1.1). A pooling comes before some.
const FIRES: [([usize; 4], bool); 8] = [
    ([3, 64, 16, 64], true),
    ([4, 128, 16, 64], false),
    ([6, 128, 32, 128], true),
    ([7, 256, 32, 128], false),
    ([9, 256, 48, 192], true),
    ([10, 384, 48, 192], false),
    ([11, 384, 64, 256], false),
    ([12, 512, 64, 256], false),
];

/// The first convolution, eight fire modules and three poolings.
///
/// # Errors
/// As the loader gives them.
pub(super) fn build(loader: &mut Loader<'_>) -> Result<Vec<Stage>> {
    let stem = ConvShape::full(3, 64, 3, 2);
    let mut stages = vec![Stage::Convolution(ConvNorm::biased(loader, "features.0", None, stem, 0)?)];
    for ([at, input, squeezed, output], pooled) in FIRES {
        if pooled {
            stages.push(Stage::MaxPool(MaxPool::new(Window {
                kernel: 3,
                stride: 2,
                padding: 0,
                ceil: true,
            })));
        }
        let mut layer = |name: &str, input, output, kernel| {
            let name = format!("features.{at}.{name}");
            let shape = ConvShape::full(input, output, kernel, 1);
            ConvNorm::biased(loader, &name, None, shape, kernel / 2)
        };
        stages.push(Stage::Fire(Fire {
            squeeze: layer("squeeze", input, squeezed, 1)?,
            expand: [layer("expand1x1", squeezed, output, 1)?, layer("expand3x3", squeezed, output, 3)?],
        }));
    }
    Ok(stages)
}
