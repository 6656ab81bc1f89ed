//! A head in training, its gradient written out: a step is a few products of matrices and an update, which the kernels do
//! several times faster than a graph that is built and derived anew each time.

use super::rule::{Rule, State};
use super::targets;
use crate::dense::{Dense, Rows};
use crate::head::{Head, relu};
use crate::kernel::PANEL;

/// A head and its optimiser.
pub struct Network {
    head: Head,
    rule: Rule,
    decay: f64,
    /// One for each part of the layers, the output layer's first.
    states: Vec<State>,
}

/// The gradients of the layers.
struct Gradients {
    output: Dense,
    hidden: Option<Dense>,
}

impl Gradients {
    fn norm(&mut self) -> f64 {
        // Eight sums side by side, as the parts are panels: one after the other they would wait for each other in every step.
        let mut sums = [0.0; PANEL];
        let layers = self.hidden.iter_mut().chain([&mut self.output]);
        for (_, part) in layers.flat_map(Dense::parts_mut) {
            for eight in part.as_chunks::<PANEL>().0 {
                sums.iter_mut().zip(eight).for_each(|(sum, value)| *sum += f64::from(*value).powi(2));
            }
        }
        sums.iter().sum::<f64>().sqrt()
    }
}

impl Network {
    /// Begins with a head. Weights decay by `decay`, biases do not.
    pub fn new(head: Head, rule: Rule, decay: f64) -> Self {
        Self { head, rule, decay, states: Vec::new() }
    }

    /// How many of the output layer's inputs dropout can leave out.
    pub fn dropped(&self) -> usize {
        self.head.dropped()
    }

    /// Takes a step on a batch; gives the loss, the norm of all gradients and the scores before it. Where loss or norm are not
    /// finite nothing moves.
    ///
    /// # Shapes
    /// `features`: `[views, features]`; `dropout`: factors of the output layer's inputs, row by row; `shares`:
    /// `[views, classes]`, as [`Targets::shares`](super::Targets::shares); scores: the same.
    pub fn step(
        &mut self,
        features: Vec<f32>,
        dropout: Option<&[f32]>,
        shares: &[f32],
        rate: f64,
    ) -> (f64, f64, Vec<f32>) {
        let (loss, scores, mut gradients) = self.derive(features, dropout, shares);
        let norm = gradients.norm();
        if loss.is_finite() && norm.is_finite() {
            self.update(gradients, rate);
        }
        (loss, norm, scores)
    }

    /// The head as it is.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Loss, scores and the gradients of the loss.
    fn derive(
        &self,
        mut features: Vec<f32>,
        dropout: Option<&[f32]>,
        shares: &[f32],
    ) -> (f64, Vec<f32>, Gradients) {
        let (length, (hidden, output)) = (self.head.features(), self.head.layers());
        let drop = |values: &mut [f32]| {
            let factors = dropout.unwrap_or_default();
            values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
        };
        let Some(hidden) = hidden else {
            drop(&mut features);
            let (loss, scores, _, output) = last(output, &Rows::of(&features, length), shares);
            return (loss, scores, Gradients { output, hidden: None });
        };
        let rows = Rows::of(&features, length);
        let mut units = hidden.apply(&rows);
        relu(&mut units);
        drop(&mut units);
        let (loss, scores, slopes, gradient) = last(output, &Rows::of(&units, hidden.outputs()), shares);
        let mut slopes = output.transposed().apply(&Rows::of(&slopes, output.outputs()));
        drop(&mut slopes);
        // A unit that is zero, by the ReLU or dropped, has no slope.
        slopes.iter_mut().zip(&units).filter(|(_, unit)| **unit <= 0.0).for_each(|(slope, _)| *slope = 0.0);
        let hidden = Some(hidden.gradient(&rows, &slopes));
        (loss, scores, Gradients { output: gradient, hidden })
    }

    fn update(&mut self, mut gradients: Gradients, rate: f64) {
        let (hidden, output) = self.head.layers_mut();
        let output = output.parts_mut().zip(gradients.output.parts_mut());
        let hidden = hidden.into_iter().zip(&mut gradients.hidden);
        let hidden = hidden.flat_map(|(layer, gradient)| layer.parts_mut().zip(gradient.parts_mut()));
        for (place, ((is_bias, values), (_, gradient))) in output.chain(hidden).enumerate() {
            if place == self.states.len() {
                self.states.push(State::New);
            }
            let decay = if is_bias { 0.0 } else { self.decay };
            if let Some(state) = self.states.get_mut(place) {
                self.rule.update(state, values, gradient, rate, decay);
            }
        }
    }
}

/// The last layer on its inputs: loss, scores, the gradient of the scores and that of the layer.
fn last(layer: &Dense, inputs: &Rows, shares: &[f32]) -> (f64, Vec<f32>, Vec<f32>, Dense) {
    let scores = layer.apply(inputs);
    let mut slopes = scores.clone();
    let loss = targets::loss_into_gradient(&mut slopes, shares, layer.outputs());
    let gradient = layer.gradient(inputs, &slopes);
    (loss, scores, slopes, gradient)
}

#[cfg(test)]
mod tests {
    use super::super::{ClassWeights, Solver, Targets, TrainOptions};
    use super::*;
    use crate::device::values;
    use burn::tensor::{Device, Tensor, TensorData, activation};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn numbers(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// A head whose numbers are random, in the output layer too.
    fn head(features: usize, hidden: usize, classes: usize, rng: &mut ChaCha8Rng) -> Head {
        let mut tensors = Head::new(features, hidden, classes, rng).to_tensors();
        tensors.iter_mut().for_each(|tensor| tensor.values = numbers(tensor.values.len(), rng));
        Head::from_tensors(&tensors).unwrap()
    }

    /// The loss of a head and the gradients of its tensors, in the order of [`Head::to_tensors`], as burn derives them.
    fn derived(
        head: &Head,
        features: &[f32],
        dropout: Option<&[f32]>,
        shares: &[f32],
    ) -> (f32, Vec<Vec<f32>>) {
        let device = Device::flex().autodiff();
        let matrix = |values: &[f32], width: usize| {
            let shape = [values.len() / width, width];
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &device)
        };
        let tensors: Vec<Tensor<2>> = head
            .to_tensors()
            .iter()
            .map(|tensor| matrix(&tensor.values, *tensor.shape.last().unwrap()).require_grad())
            .collect();
        let mut rows = matrix(features, head.features());
        for (index, layer) in tensors.chunks(2).enumerate() {
            let is_last = index + 1 == tensors.len() / 2;
            if let (true, Some(factors)) = (is_last, dropout) {
                rows = rows * matrix(factors, head.dropped());
            }
            rows = rows.matmul(layer[0].clone()) + layer[1].clone();
            rows = if is_last { rows } else { activation::relu(rows) };
        }
        let shares = matrix(shares, head.classes());
        let loss = (activation::log_softmax(rows, 1) * shares).sum().neg();
        let gradients = loss.clone().backward();
        let of = |tensor: &Tensor<2>| values(tensor.grad(&gradients).unwrap()).unwrap();
        (loss.into_scalar::<f32>(), tensors.iter().map(of).collect())
    }

    #[test]
    fn gradients_are_those_that_burn_derives() {
        for (features, hidden, classes) in [(11, 0, 3), (16, 0, 10), (11, 9, 3), (8, 16, 12)] {
            for rate in [0.0, 0.4] {
                let mut rng = ChaCha8Rng::seed_from_u64(5);
                let truth: Vec<usize> = (0..13).map(|view| view % classes).collect();
                let shares = Targets::new(&TrainOptions::default(), classes, &truth).shares(&truth);
                let network = Network::new(
                    head(features, hidden, classes, &mut rng),
                    TrainOptions::default().rule(),
                    0.0,
                );
                let rows = numbers(truth.len() * features, &mut rng);
                let options = TrainOptions { dropout: rate, ..TrainOptions::default() };
                let factors =
                    super::super::descent::dropout(&options, truth.len() * network.dropped(), &mut rng);
                let (loss, _, found) = network.derive(rows.clone(), factors.as_deref(), &shares);
                let (expected, gradients) = derived(network.head(), &rows, factors.as_deref(), &shares);
                assert!((loss - f64::from(expected)).abs() < 1e-5, "{loss} {expected}");
                let layers = found.hidden.iter().chain([&found.output]);
                let found: Vec<Vec<f32>> =
                    layers.flat_map(|layer| [layer.weights(), layer.biases()]).collect();
                assert_eq!(found.len(), gradients.len());
                for (a, b) in found.iter().flatten().zip(gradients.iter().flatten()) {
                    assert!((a - b).abs() < 1e-5, "{hidden} {rate}: {a} {b}");
                }
            }
        }
    }

    /// The numbers of a head in steps by burn's gradients; that the optimisers are PyTorch's is tested in `tune/classifier.rs`.
    #[test]
    fn steps_go_where_burns_gradients_point() {
        for (hidden, solver) in [(0, Solver::Adamw), (9, Solver::Adam), (9, Solver::Sgd), (8, Solver::Adamw)]
        {
            // Balanced classes have no bias gradient at first but rounding, which Adam makes large.
            let class_weights = ClassWeights::None;
            let options =
                TrainOptions { solver, weight_decay: 0.3, class_weights, ..TrainOptions::default() };
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let truth: Vec<usize> = (0..13).map(|view| view % 3).collect();
            let shares = Targets::new(&options, 3, &truth).shares(&truth);
            let mut network =
                Network::new(head(11, hidden, 3, &mut rng), options.rule(), options.weight_decay);
            let mut tensors = network.head().to_tensors();
            let mut states = vec![State::New; tensors.len()];
            for step in 0..20 {
                let rows = numbers(truth.len() * 11, &mut rng);
                let head = Head::from_tensors(&tensors).unwrap();
                let (expected, mut gradients) = derived(&head, &rows, None, &shares);
                for ((tensor, gradient), state) in tensors.iter_mut().zip(&mut gradients).zip(&mut states) {
                    let decay = if tensor.shape.len() > 1 { options.weight_decay } else { 0.0 };
                    options.rule().update(state, &mut tensor.values, gradient, 0.02, decay);
                }
                let (loss, _, _) = network.step(rows, None, &shares, 0.02);
                assert!((loss - f64::from(expected)).abs() < 1e-4, "step {step}: {loss} {expected}");
            }
            for (found, expected) in network.head().to_tensors().iter().zip(&tensors) {
                for (a, b) in found.values.iter().zip(&expected.values) {
                    assert!((a - b).abs() < 1e-3, "{}: {a} {b}", found.name);
                }
            }
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let truth = [0, 1, 2, 0, 1, 2];
        let rows = numbers(truth.len() * 8, &mut rng);
        let shares = Targets::new(&TrainOptions::default(), 3, &truth).shares(&truth);
        let network = |head| Network::new(head, TrainOptions::default().rule(), 0.0);
        let loss = |head: Head| network(head).derive(rows.clone(), None, &shares).0;
        let start = head(8, 4, 3, &mut rng);
        let (_, _, found) = network(start.clone()).derive(rows.clone(), None, &shares);
        let layers = [found.hidden.unwrap(), found.output];
        let found = layers.iter().flat_map(|layer| [layer.weights(), layer.biases()]);
        let tensors = start.to_tensors();
        for (place, gradients) in found.enumerate() {
            for (index, gradient) in gradients.iter().enumerate() {
                let at = |delta: f32| {
                    let mut moved = tensors.clone();
                    moved[place].values[index] += delta;
                    loss(Head::from_tensors(&moved).unwrap())
                };
                let expected = (at(1e-2) - at(-1e-2)) / 2e-2;
                let name = &tensors[place].name;
                assert!(
                    (expected - f64::from(*gradient)).abs() < 2e-3,
                    "{name} {index}: {expected} {gradient}"
                );
            }
        }
    }
}
