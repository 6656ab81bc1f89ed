//! A head with a hidden layer in training, derived by burn.

use super::{Targets, TrainOptions};
use crate::error::Result;
use crate::head::{self, Head};
use burn::module::{Module, ParamGroup};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// A head and its optimiser.
pub struct Network {
    head: Head,
    optimizer: ModuleOptimizer,
}

impl Network {
    /// A new head. Weights decay, biases do not.
    pub fn new(features: usize, classes: usize, options: &TrainOptions, rng: &mut impl Rng) -> Self {
        let adamw = |decay: f64| AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(decay as f32);
        let biases = ParamGroup::from_paths(vec!["hidden.bias", "output.bias"]);
        Self {
            head: Head::new(features, options.hidden as usize, classes, rng, &Device::flex().autodiff()),
            optimizer: adamw(options.weight_decay).init().with_group(biases, adamw(0.0).build(), None),
        }
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.head.device()
    }

    /// Takes a step on a batch; gives the loss and the scores before it. Where the loss is not finite nothing moves.
    ///
    /// # Shapes
    /// `features`: `[views, features]`; `dropout`: as [`Head::forward`]; `truth`: one class a view; scores: `[views, classes]`.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn step(
        &mut self,
        features: Tensor<2>,
        dropout: Option<Tensor<2>>,
        targets: &Targets,
        truth: &[usize],
        rate: f64,
    ) -> Result<(f64, Vec<f32>)> {
        let scores = self.head.forward(features, dropout);
        let loss = targets.loss(scores.clone(), truth);
        let value = f64::from(loss.clone().into_scalar::<f32>());
        if value.is_finite() {
            let gradients = GradientsParams::from_grads(loss.backward(), &self.head);
            self.head = self.optimizer.step(rate, self.head.clone(), gradients);
        }
        Ok((value, head::values(scores.inner())?))
    }

    /// The head as it is.
    pub fn head(&self) -> Head {
        self.head.valid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let options = TrainOptions { hidden: 4, ..TrainOptions::default() };
        let (truth, length) = ([0, 1, 2, 0, 1, 2], 8);
        let rows: Vec<f32> = (0..truth.len() * length).map(|_| rng.random_range(-2.0..2.0)).collect();
        let targets = Targets::new(&options, 3, &truth);
        let loss = |head: &Head, device: &Device| {
            let features = TensorData::new(rows.clone(), [truth.len(), length]);
            targets.loss(head.forward(Tensor::from_data(features, device), None), &truth)
        };
        let network = Network::new(length, 3, &options, &mut rng);
        // A zero output layer gives the hidden one no gradient; move it off.
        let mut tensors = network.head().to_tensors().unwrap();
        for (i, value) in tensors.iter_mut().flat_map(|t| t.values.iter_mut()).enumerate() {
            *value += 0.3 * (i as f32).sin();
        }
        let flex = Device::flex();
        let head = Head::from_tensors(&tensors, &network.device()).unwrap();
        let found = head.gradients(&loss(&head, &network.device()).backward());
        for (t, (tensor, gradients)) in tensors.iter().zip(&found).enumerate() {
            for (i, gradient) in gradients.iter().enumerate() {
                let at = |delta: f32| {
                    let mut moved = tensors.clone();
                    moved[t].values[i] += delta;
                    loss(&Head::from_tensors(&moved, &flex).unwrap(), &flex).into_scalar::<f32>()
                };
                let expected = (at(1e-2) - at(-1e-2)) / 2e-2;
                assert!((expected - gradient).abs() < 2e-3, "{} {i}: {expected} {gradient}", tensor.name);
            }
        }
    }
}
