//! A linear head in training, its gradient written out: a step is two matrix products and an update, which the kernels
//! do several times faster than a graph that is built and derived anew each time.

use super::rule::{Rule, State};
use super::targets;
use crate::dense::{Dense, Rows};
use crate::error::Result;
use crate::head::Head;
use burn::tensor::Device;

/// A linear layer and its optimiser.
pub struct Linear {
    layer: Dense,
    /// One for each of the layer's parts.
    states: Vec<State>,
    rule: Rule,
    decay: f64,
}

impl Linear {
    /// A layer of zeros: every class starts equally probable. Weights decay by `decay`, biases do not.
    pub fn new(features: usize, classes: usize, rule: Rule, decay: f64) -> Self {
        let mut layer = Dense::zeros(features, classes);
        let states = layer.parts_mut().map(|_| State::New).collect();
        Self { layer, states, rule, decay }
    }

    /// Begins with another layer of the same size.
    pub fn start_from(&mut self, layer: Dense) {
        self.layer = layer;
    }

    /// Takes a step on a batch; gives the loss and the scores before it. Where the loss is not finite nothing moves.
    ///
    /// # Shapes
    /// `shares`: `[rows, classes]`, as [`Targets::shares`](super::Targets::shares); scores: the same.
    pub fn step(&mut self, rows: &Rows, shares: &[f32], rate: f64) -> (f64, Vec<f32>) {
        let scores = self.layer.apply(rows);
        let mut gradient = scores.clone();
        let loss = targets::loss_into_gradient(&mut gradient, shares, self.layer.outputs());
        if loss.is_finite() {
            let mut gradient = self.layer.gradient(rows, &gradient);
            let parts = self.layer.parts_mut().zip(gradient.parts_mut());
            for (((is_bias, values), (_, gradient)), state) in parts.zip(&mut self.states) {
                let decay = if is_bias { 0.0 } else { self.decay };
                self.rule.update(state, values, gradient, rate, decay);
            }
        }
        (loss, scores)
    }

    /// The layer as a head. Errors as [`Head::from_tensors`].
    pub fn head(&self, device: &Device) -> Result<Head> {
        Head::linear(&self.layer, device)
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::Network;
    use super::super::{ClassWeights, Solver, Targets, TrainOptions};
    use super::*;
    use burn::tensor::{Tensor, TensorData};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// burn's autodiff on the same batches, at sizes that leave panels unfilled; that the optimisers are PyTorch's is tested in
    /// `tune/classifier.rs`.
    #[test]
    fn steps_agree_with_burn() {
        for (features, classes, solver) in
            [(11, 3, Solver::Adamw), (16, 10, Solver::Adam), (11, 3, Solver::Sgd)]
        {
            // Balanced classes have no bias gradient at first but rounding, which Adam makes large.
            let class_weights = ClassWeights::None;
            let options =
                TrainOptions { solver, weight_decay: 0.3, class_weights, ..TrainOptions::default() };
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let truth: Vec<usize> = (0..13).map(|view| view % classes).collect();
            let targets = Targets::new(&options, classes, &truth);
            let mut linear = Linear::new(features, classes, options.rule(), options.weight_decay);
            let mut network = Network::new(features, classes, &options, &mut rng);
            let device = network.device();
            for step in 0..20 {
                let rows: Vec<f32> =
                    (0..truth.len() * features).map(|_| rng.random_range(-1.0..1.0)).collect();
                let tensor = TensorData::new(rows.clone(), [truth.len(), features]);
                let tensor = Tensor::from_data(tensor, &device);
                let (loss, scores) = linear.step(&Rows::of(&rows, features), &targets.shares(&truth), 0.05);
                let (expected, others) = network.step(tensor, None, targets.shares(&truth), 0.05).unwrap();
                assert!((loss - expected).abs() < 1e-4, "step {step}: {loss} {expected}");
                for (a, b) in scores.iter().zip(&others) {
                    assert!((a - b).abs() < 1e-3, "step {step}: {a} {b}");
                }
            }
            let values = |head: Head| head.to_tensors().unwrap();
            for (found, expected) in
                values(linear.head(&Device::flex()).unwrap()).iter().zip(values(network.head()))
            {
                assert_eq!(found.shape, expected.shape);
                for (a, b) in found.values.iter().zip(&expected.values) {
                    assert!((a - b).abs() < 1e-3, "{}: {a} {b}", found.name);
                }
            }
        }
    }
}
