//! VGG 11 to 19, with and without batch norm, and AlexNet: plain convolutions and max pooling, as torchvision builds and
//! names them. The fully connected layers belong to the classifier.

use super::blocks::{ConvNorm, ConvShape, MaxPool, Window};
use super::{Loader, Stage};
use crate::error::Result;

/// VGG: `counts` convolutions at each of five sizes (Simonyan and Zisserman, 2015, table 1, columns A, B, D and E). The
/// stages are the convolutions and the poolings, in order.
///
/// # Errors
/// As the loader gives them.
pub(super) fn vgg(loader: &mut Loader<'_>, counts: [usize; 5], norms: bool) -> Result<Vec<Stage>> {
    let mut stages = Vec::new();
    // torchvision counts a convolution, its norm and its ReLU each, and the pooling.
    let (mut at, mut channels) = (0, 3);
    for (count, output) in counts.into_iter().zip([64, 128, 256, 512, 512]) {
        for _ in 0..count {
            let names = [at, at + 1].map(|at| format!("features.{at}"));
            let norm = norms.then_some(names[1].as_str());
            let shape = ConvShape::full(channels, output, 3, 1);
            stages.push(Stage::Convolution(ConvNorm::biased(loader, &names[0], norm, shape, 1)?));
            channels = output;
            at += if norms { 3 } else { 2 };
        }
        stages.push(Stage::MaxPool(MaxPool::new(Window { kernel: 2, stride: 2, padding: 0, ceil: false })));
        at += 1;
    }
    Ok(stages)
}

/// AlexNet's convolutions: place in `features`, channels in and out; kernel, stride, padding; whether a pooling follows
/// (Krizhevsky, 2014, one tower).
const ALEXNET: [([usize; 3], [usize; 3], bool); 5] = [
    ([0, 3, 64], [11, 4, 2], true),
    ([3, 64, 192], [5, 1, 2], true),
    ([6, 192, 384], [3, 1, 1], false),
    ([8, 384, 256], [3, 1, 1], false),
    ([10, 256, 256], [3, 1, 1], true),
];

/// AlexNet: five convolutions and three poolings.
///
/// # Errors
/// As the loader gives them.
pub(super) fn alexnet(loader: &mut Loader<'_>) -> Result<Vec<Stage>> {
    let mut stages = Vec::new();
    for ([at, input, output], [kernel, stride, padding], pooled) in ALEXNET {
        let name = format!("features.{at}");
        let shape = ConvShape::full(input, output, kernel, stride);
        stages.push(Stage::Convolution(ConvNorm::biased(loader, &name, None, shape, padding)?));
        if pooled {
            stages.push(Stage::MaxPool(MaxPool::new(Window {
                kernel: 3,
                stride: 2,
                padding: 0,
                ceil: false,
            })));
        }
    }
    Ok(stages)
}
