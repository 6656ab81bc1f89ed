//! Suffix and head in training, derived by burn.

use super::layers::Layers;
use super::optimizer::{Steps, collect};
use crate::backbone::Suffix;
use crate::device::values;
use crate::error::Result;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};

/// Stages from the cut on, and the head on their embedding.
#[derive(Module, Debug)]
pub struct Classifier {
    suffix: Suffix,
    head: Layers,
}

/// What a step found.
pub struct Found {
    /// Loss before the step.
    pub loss: f64,
    /// Scores before the step, `[views, classes]`.
    pub scores: Vec<f32>,
    /// Norm of all gradients.
    pub norm: f64,
}

impl Classifier {
    /// A classifier on the CPU device, ready to learn; `open` of the last stages do.
    pub fn new(suffix: Suffix, head: Layers, open: usize) -> Self {
        let whole = Self { suffix, head }.train();
        Self { suffix: whole.suffix.unfreeze(open), head: whole.head.set_require_grad(true) }
    }

    /// The same with other stages open.
    pub fn unfreeze(self, open: usize) -> Self {
        Self { suffix: self.suffix.unfreeze(open), head: self.head }
    }

    /// Where it learns.
    pub fn device() -> Device {
        Device::flex().autodiff()
    }

    /// The stages, as they are.
    pub fn suffix(&self) -> &Suffix {
        &self.suffix
    }

    /// The head, as it is.
    pub fn head(&self) -> &Layers {
        &self.head
    }

    /// Scores before the softmax.
    ///
    /// # Shapes
    /// `features`: `[views, channels, height, width]`; `dropout`: factors of the embedding (or the hidden units); result:
    /// `[views, classes]`
    pub fn forward(&self, features: Tensor<4>, dropout: Option<Tensor<2>>) -> Tensor<2> {
        self.head.forward(self.suffix.forward(features), dropout)
    }

    /// The loss of a batch, and the scores.
    ///
    /// # Shapes
    /// `shares`: `[views, classes]`, as [`Targets::shares`](crate::train::targets::Targets::shares)
    pub fn loss(
        &self,
        features: Tensor<4>,
        dropout: Option<Tensor<2>>,
        shares: Vec<f32>,
    ) -> (Tensor<1>, Tensor<2>) {
        let scores = self.forward(features, dropout);
        (loss(scores.clone(), shares), scores)
    }

    /// Takes a step on a batch, as [`Classifier::loss`] takes it; where loss or gradients are not finite nothing moves.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn step(
        self,
        (features, dropout, shares): (Tensor<4>, Option<Tensor<2>>, Vec<f32>),
        steps: &mut Steps,
        rate: impl Fn(Option<usize>) -> f64,
    ) -> Result<(Self, Found)> {
        let (loss, scores) = self.loss(features, dropout, shares);
        let (slots, norm) = collect(&self, &loss.backward())?;
        let found =
            Found { loss: f64::from(loss.into_scalar::<f32>()), scores: values(scores.inner())?, norm };
        if found.loss.is_finite() && norm.is_finite() {
            return Ok((steps.step(self, slots, norm, rate)?, found));
        }
        Ok((self, found))
    }
}

/// The loss of scores, to be derived by burn.
///
/// # Shapes
/// `scores`: `[views, classes]`; `shares`: the same, as [`Targets::shares`](crate::train::targets::Targets::shares).
pub(in crate::train) fn loss(scores: Tensor<2>, shares: Vec<f32>) -> Tensor<1> {
    let shares = Tensor::<2>::from_data(TensorData::new(shares, scores.dims()), &scores.device());
    (activation::log_softmax(scores, 1) * shares).sum().neg()
}

#[cfg(test)]
mod tests {
    use super::super::options::{Optimizer, TuneOptions};
    use super::*;
    use crate::backbone::{Backbone, sample};
    use crate::head::{Head, HeadTensor};
    use crate::train::targets::Targets;
    use crate::train::{ClassWeights, TrainOptions};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use safetensors::SafeTensors;
    use std::collections::BTreeMap;

    type Named = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

    fn read(bytes: &[u8]) -> Named {
        let file = SafeTensors::deserialize(bytes).unwrap();
        let numbers = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        file.iter().map(|(name, view)| (name.into(), (view.shape().to_vec(), numbers(view.data())))).collect()
    }

    fn network(named: &Named) -> (Backbone, Layers) {
        let backbone = sample::small(&mut sample::Given(|name: &str, shape: &[usize]| {
            let (found, values) = &named[name];
            assert_eq!(found, shape);
            values.clone()
        }));
        let head = ["output.weight", "output.bias"].map(|name| {
            let (shape, values) = named[name].clone();
            HeadTensor { name: name.into(), shape, values }
        });
        (backbone, layers(&head))
    }

    fn layers(head: &[HeadTensor]) -> Layers {
        Layers::of(&Head::from_tensors(head).unwrap()).unwrap()
    }

    fn tensors(layers: &Layers) -> Vec<HeadTensor> {
        layers.head().unwrap().to_tensors()
    }

    fn golden() -> (Named, Tensor<4>, Vec<f32>) {
        let start = read(include_bytes!("../../../../../tests/golden/tune/start.safetensors"));
        let (shape, values) = start["images"].clone();
        let images = Tensor::from_data(TensorData::new(values, shape), &Classifier::device());
        let options = TrainOptions {
            label_smoothing: 0.1,
            class_weights: ClassWeights::None,
            ..TrainOptions::default()
        };
        let truth: Vec<usize> = (0..12).map(|image| image % 3).collect();
        let shares = Targets::new(&options, 3, &truth).shares(&truth);
        (start, images, shares)
    }

    /// `tests/golden/tune/README.md` says what is compared and how closely.
    #[test]
    fn twenty_steps_are_pytorchs() {
        let losses: serde_json::Value =
            serde_json::from_str(include_str!("../../../../../tests/golden/tune/losses.json")).unwrap();
        let (sgd, adam, adamw): (&[u8], &[u8], &[u8]) = (
            include_bytes!("../../../../../tests/golden/tune/sgd.safetensors"),
            include_bytes!("../../../../../tests/golden/tune/adam.safetensors"),
            include_bytes!("../../../../../tests/golden/tune/adamw.safetensors"),
        );
        for (name, optimizer, rate, expected, tolerance) in [
            ("sgd", Optimizer::Sgd, 0.05, sgd, 1e-4),
            ("adam", Optimizer::Adam, 0.005, adam, 1e-3),
            ("adamw", Optimizer::Adamw, 0.005, adamw, 1e-3),
        ] {
            let (start, images, shares) = golden();
            let (backbone, head) = network(&start);
            let mut classifier = Classifier::new(backbone.suffix(0), head, 4);
            let options = TuneOptions { optimizer, ..TuneOptions::default() };
            let mut steps = Steps::new(&options, 0.01);
            for expected in losses[name].as_array().unwrap() {
                let (next, found) =
                    classifier.step((images.clone(), None, shares.clone()), &mut steps, |_| rate).unwrap();
                classifier = next;
                let difference = (found.loss - expected.as_f64().unwrap()).abs();
                assert!(difference < 1e-4, "{name}: {} {expected}", found.loss);
            }
            let (backbone, head) = network(&read(expected));
            let found = classifier.suffix.tuned().unwrap().tensors;
            let expected = backbone.suffix(0).tuned().unwrap().tensors;
            let heads = [tensors(&classifier.valid().head), tensors(&head)];
            for (found, expected) in found.iter().chain(&heads[0]).zip(expected.iter().chain(&heads[1])) {
                for (a, b) in found.values.iter().zip(&expected.values) {
                    assert!((a - b).abs() < tolerance, "{name}, {}: {a} {b}", found.name);
                }
            }
        }
    }

    /// Every tensor of every stage and of the head, moved a little in a random direction.
    #[test]
    fn gradients_agree_with_finite_differences() {
        let (start, images, shares) = golden();
        // Few images and small moves, so that few numbers pass a corner of a ReLU6.
        let images = images.narrow(0, 0, 2);
        let shares: Vec<f32> = shares.into_iter().take(2 * 3).map(|share| 6.0 * share).collect();
        let (backbone, head) = network(&start);
        let classifier = Classifier::new(backbone.suffix(0), head, 4);
        let loss = |classifier: &Classifier| classifier.loss(images.clone(), None, shares.clone()).0;
        let (slots, _) = collect(&classifier, &loss(&classifier).backward()).unwrap();
        let gradients: Vec<Vec<f32>> = slots.into_iter().filter_map(|slot| slot.gradient()).collect();
        let suffix = classifier.suffix.tuned().unwrap();
        let tensors = [suffix.tensors.clone(), super::tests::tensors(&classifier.valid().head)].concat();
        assert_eq!(tensors.len(), 7 * 3 + 2);
        assert_eq!(gradients.len(), tensors.len());
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for (at, gradient) in gradients.iter().enumerate() {
            let direction: Vec<f32> = gradient.iter().map(|_| rng.random_range(-1.0..1.0)).collect();
            let moved = |by: f32| {
                let mut tensors = tensors.clone();
                tensors[at].values.iter_mut().zip(&direction).for_each(|(v, d)| *v += by * d);
                let head = tensors.split_off(suffix.tensors.len());
                let stages = crate::backbone::TunedStages { cut: 0, tensors };
                let backbone = backbone.tuned(&stages).unwrap();
                f64::from(loss(&Classifier::new(backbone.suffix(0), layers(&head), 4)).into_scalar::<f32>())
            };
            let expected = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            let found: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
            let name = &tensors[at].name;
            assert!((found - expected).abs() < 3e-3 + 0.03 * expected.abs(), "{name}: {found} {expected}");
        }
    }

    /// The blocks of every family: all numbers of the last stages and of the head, moved at once.
    #[test]
    fn gradients_of_every_block_agree_with_finite_differences() {
        for (arch, stages) in [
            ("mobilenet_v3_small", 2),
            ("tf_efficientnet_b0", 3),
            ("resnet18", 2),
            ("resnet50", 1),
            ("squeezenet1_1", 3),
            ("vgg11_bn", 3),
        ] {
            let (backbone, _) = sample::backbone_of(arch, 5);
            let cut = backbone.len() - stages;
            let map = backbone.forward(sample::image(2, 64, &Device::flex()), 0..cut);
            // Random weights let the numbers grow from block to block, until a softmax of them is flat.
            let map = (map.clone() / map.abs().max().unsqueeze::<4>()).into_data();
            let features = Tensor::from_data(map, &Classifier::device());
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let length = backbone.embed(sample::image(1, 64, &Device::flex())).dims()[1];
            let mut random = |count: usize, range: f32| -> Vec<f32> {
                (0..count).map(|_| rng.random_range(-range..range)).collect()
            };
            let head = vec![
                HeadTensor {
                    name: "output.weight".into(),
                    shape: vec![length, 3],
                    values: random(length * 3, 1e-2),
                },
                HeadTensor { name: "output.bias".into(), shape: vec![3], values: random(3, 1e-2) },
            ];
            let classifier = |suffix: &crate::backbone::TunedStages, head: &[HeadTensor]| {
                Classifier::new(backbone.tuned(suffix).unwrap().suffix(cut), layers(head), stages)
            };
            let suffix = backbone.suffix(cut).tuned().unwrap();
            let shares = vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
            let loss = |classifier: &Classifier| classifier.loss(features.clone(), None, shares.clone()).0;
            let whole = classifier(&suffix, &head);
            let (slots, _) = collect(&whole, &loss(&whole).backward()).unwrap();
            let gradients: Vec<Vec<f32>> = slots.into_iter().filter_map(|slot| slot.gradient()).collect();
            assert_eq!(gradients.len(), suffix.tensors.len() + head.len(), "{arch}");
            // Along the gradient itself, where the loss changes most.
            let norm = gradients.iter().flatten().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
            let moved = |by: f64| {
                let (mut suffix, mut head) = (suffix.clone(), head.clone());
                let tensors = suffix.tensors.iter_mut().chain(&mut head);
                for (tensor, gradient) in tensors.zip(&gradients) {
                    let values = tensor.values.iter_mut().zip(gradient);
                    values.for_each(|(value, g)| *value += (by * f64::from(*g) / norm) as f32);
                }
                f64::from(loss(&classifier(&suffix, &head)).into_scalar::<f32>())
            };
            let step = 1e-3;
            let found = (moved(step) - moved(-step)) / (2.0 * step);
            assert!((found - norm).abs() < 0.02 * norm, "{arch}: {found} {norm}");
        }
    }
}
