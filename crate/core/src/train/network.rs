//! A head with a hidden layer in training, derived by burn.

use super::tune::optimizer::{Steps, collect};
use super::{TrainOptions, targets};
use crate::error::Result;
use crate::head::{self, Head};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::Rng;

/// A head and its optimiser.
pub struct Network {
    head: Head,
    steps: Steps,
}

impl Network {
    /// A new head. Weights decay, biases do not.
    pub fn new(features: usize, classes: usize, options: &TrainOptions, rng: &mut impl Rng) -> Self {
        Self {
            head: Head::new(features, options.hidden as usize, classes, rng, &Device::flex().autodiff()),
            steps: Steps::new(options.rule(), 0.0, options.weight_decay),
        }
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.head.device()
    }

    /// Takes a step on a batch; gives the loss and the scores before it. Where the loss is not finite nothing moves.
    ///
    /// # Shapes
    /// `features`: `[views, features]`; `dropout`: as [`Head::forward`]; `shares`: `[views, classes]`, as
    /// [`Targets::shares`](super::Targets::shares); scores: the same.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn step(
        &mut self,
        features: Tensor<2>,
        dropout: Option<Tensor<2>>,
        shares: Vec<f32>,
        rate: f64,
    ) -> Result<(f64, Vec<f32>)> {
        let scores = self.head.forward(features, dropout)?;
        let loss = targets::loss(scores.clone(), shares);
        let value = f64::from(loss.clone().into_scalar::<f32>());
        if value.is_finite() {
            let (slots, norm) = collect(&self.head, &loss.backward())?;
            self.head = self.steps.step(self.head.clone(), slots, norm, |_| rate)?;
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
    use super::super::Targets;
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
            super::targets::loss(
                head.forward(Tensor::from_data(features, device), None).unwrap(),
                targets.shares(&truth),
            )
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
