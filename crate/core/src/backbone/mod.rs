//! Pretrained networks without their classifiers, as ordered stages. The burn module is the definition; a frozen prefix
//! of it is lowered to a [`Plan`] and run by kernels made for that.

mod blocks;
pub mod catalogue;
mod channels;
mod classifier;
pub mod described;
mod efficientnet;
mod gradients;
mod loader;
mod mobile;
mod mobilenet_v1;
mod mobilenet_v2;
mod mobilenet_v3;
mod named;
mod names;
mod primitive;
mod resnet;
#[cfg(test)]
pub(crate) mod sample;
mod squeezenet;
mod stage;
mod suffix;
mod summary;
mod vgg;

use std::collections::BTreeMap;
use std::ops::Range;

use burn::module::Module;
use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::prefix::Plan;
use crate::weights::{Channels, Tensors};

use channels::Reversed;

pub use blocks::{ConvNorm, Fire, InvertedResidual, MaxPool, Residual, SqueezeExcite};
pub use classifier::{Classifier, Named};
pub use loader::{Loader, Source};
pub use names::Lineage;
pub use stage::Stage;
pub use suffix::{Suffix, TunedStages};
pub use summary::{StageSummary, Summary};

/// A pretrained network without its classifier: an ordered list of stages.
#[derive(Module, Debug)]
pub struct Backbone {
    stages: Vec<Stage>,
    /// The first layer's name in the files of the library whose weights these are, where libraries differ.
    #[module(skip)]
    stem: Option<&'static str>,
}

impl Backbone {
    /// Builds the architecture that the weights' spec names, and takes every tensor. A network that was trained on BGR is made
    /// one for RGB.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where the architecture is unknown or a tensor has a type that is not read; `WEIGHTS_MISMATCH` where
    /// a tensor is missing, has another shape or is one too many.
    pub fn load(mut weights: Tensors<'_>) -> Result<Self> {
        let backbone = Self::take(&mut weights)?;
        weights.finish()?;
        Ok(backbone)
    }

    /// The same, of which what the backbone does not know is left.
    ///
    /// # Errors
    /// As [`Backbone::load`].
    pub(crate) fn take(weights: &mut Tensors<'_>) -> Result<Self> {
        let architecture = catalogue::find(&weights.spec().arch)?;
        let tensorflow = catalogue::is_tensorflow(&weights.spec().arch);
        match weights.spec().channels {
            Channels::Rgb => architecture.build(weights, tensorflow),
            Channels::Bgr => architecture.build(&mut Reversed::new(weights), tensorflow),
        }
    }

    /// How many stages there are, which is also the last cut.
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    /// The name of each stage: its kind and which of that kind it is, from 1, as `invertedResidual3`.
    pub fn stage_names(&self) -> Vec<String> {
        let mut counts = BTreeMap::<&str, usize>::new();
        let mut name = |stage: &Stage| {
            let count = counts.entry(stage.kind()).or_default();
            *count += 1;
            format!("{}{count}", stage.kind())
        };
        self.stages.iter().map(&mut name).collect()
    }

    /// Whether there are no stages.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Runs a range of stages; stages outside the backbone are ignored.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` in and out; for stage 0 in: RGB, normalised, sides multiples of 32.
    pub fn forward(&self, input: Tensor<4>, stages: Range<usize>) -> Tensor<4> {
        let count = stages.end.saturating_sub(stages.start);
        run(self.stages.iter().skip(stages.start).take(count), input)
    }

    /// The mean over the image of the last stage's output.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` -> `[batch, channels]`
    pub fn pool(&self, input: Tensor<4>) -> Tensor<2> {
        pool(input)
    }

    /// The pooled embedding of images.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` -> `[batch, embedding]`
    pub fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        pool(self.forward(images, 0..self.len()))
    }

    /// The plan of the frozen prefix: stages before `cut`, norms folded, and the pooling where the cut is at the end.
    ///
    /// # Errors
    /// `OPTION_INVALID` where the cut is not in `1..=len`; `INTERNAL` where weights cannot be read back.
    pub fn lower(&self, cut: usize) -> Result<Plan> {
        if !(1..=self.len()).contains(&cut) {
            return Err(Error::OptionInvalid {
                option: "cut".into(),
                found: cut.to_string(),
                expected: format!("a stage from 1 to {}", self.len()),
            });
        }
        let mut plan = Plan::new(3);
        for (index, stage) in self.stages.iter().enumerate().take(cut) {
            let from = plan.last();
            stage.lower(&mut plan, from)?;
            if index + 1 == self.len() {
                plan.pool()?;
            }
            plan.end_stage();
        }
        Ok(plan)
    }
}

/// Runs stages one after the other.
fn run<'a>(stages: impl Iterator<Item = &'a Stage>, input: Tensor<4>) -> Tensor<4> {
    stages.fold(input, |input, stage| stage.forward(input))
}

fn pool(input: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = input.dims();
    input.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Spec;
    use burn::tensor::Device;

    fn load(bytes: &[u8]) -> Result<Backbone> {
        Backbone::load(Tensors::read(bytes)?)
    }

    #[test]
    fn a_range_of_stages_is_a_part_of_the_whole() {
        let backbone = load(&sample::weights(1, |_| ())).unwrap();
        let image = sample::image(1, 32, &Device::flex());
        let whole = backbone.forward(image.clone(), 0..backbone.len());
        for cut in 1..backbone.len() {
            let features = backbone.forward(image.clone(), 0..cut);
            let output = backbone.forward(features, cut..backbone.len());
            output.into_data().assert_eq(&whole.to_data(), true);
        }
    }

    #[test]
    fn a_network_for_bgr_is_made_one_for_rgb() {
        let (_, rgb) = sample::backbone_of("mobilenet_v2", 1);
        let mut bgr = rgb.clone();
        for kernel in bgr.get_mut("features.0.0.weight").unwrap().1.chunks_exact_mut(27) {
            let (red, others) = kernel.split_at_mut(9);
            red.swap_with_slice(&mut others[9..]);
        }
        let image = sample::image(1, 32, &Device::flex());
        let embed = |tensors, channels| {
            let bytes = sample::file(&Spec { channels, ..sample::spec() }, tensors);
            load(&bytes).unwrap().embed(image.clone()).into_data()
        };
        let expected = embed(&rgb, Channels::Rgb);
        embed(&bgr, Channels::Bgr).assert_eq(&expected, true);
        assert_ne!(embed(&bgr, Channels::Rgb), expected);
    }

    #[test]
    fn a_cut_outside_the_backbone_is_refused() {
        let backbone = load(&sample::weights(1, |_| ())).unwrap();
        for cut in [0, 20] {
            assert_eq!(backbone.lower(cut).unwrap_err().code(), "OPTION_INVALID");
        }
    }

    #[test]
    fn tensors_that_do_not_fit_are_named() {
        let mismatch = |bytes: &[u8]| match load(bytes).unwrap_err() {
            Error::WeightsMismatch { tensor, expected, found } => [tensor, expected, found],
            other => panic!("{other}"),
        };
        let name = "features.7.conv.1.0.weight";
        let missing = sample::weights(1, |tensors| drop(tensors.remove(name)));
        let absent = "absent; the closest names are features.17.conv.1.0.weight, features.7.conv.1.1.weight, \
                      features.8.conv.1.0.weight";
        assert_eq!(mismatch(&missing), [name, "[192, 1, 3, 3]", absent]);
        let other = sample::weights(1, |tensors| tensors.get_mut(name).unwrap().0 = vec![192, 9]);
        assert_eq!(mismatch(&other), [name, "[192, 1, 3, 3]", "[192, 9]"]);
        let extra =
            sample::weights(1, |tensors| drop(tensors.insert("head".into(), (vec![2], vec![0.0; 2]))));
        assert_eq!(mismatch(&extra), ["head", "absent", "[2]"]);
    }
}
