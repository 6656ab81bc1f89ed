//! What the loss wants of each view: smoothed targets, weighted by class.

use super::{ClassWeights, TrainOptions};

/// Smoothing and class weights of a training.
pub struct Targets {
    classes: usize,
    smoothing: f32,
    weights: Vec<f32>,
}

impl Targets {
    /// The targets of a training on views of these classes.
    pub fn new(options: &TrainOptions, classes: usize, truth: &[usize]) -> Self {
        let count = |class| truth.iter().filter(|c| **c == class).count().max(1);
        let weight = |class| match options.class_weights {
            ClassWeights::Balanced => truth.len() as f32 / (classes * count(class)) as f32,
            ClassWeights::None => 1.0,
        };
        Self {
            classes,
            smoothing: options.label_smoothing as f32,
            weights: (0..classes).map(weight).collect(),
        }
    }

    /// What each score's negative log probability counts in the loss of a batch: the weighted mean of the cross-entropy to
    /// the smoothed targets, as PyTorch's `CrossEntropyLoss` has it for class probabilities weighted by the true class.
    ///
    /// # Shapes
    /// `truth`: one class a view; result: `[views, classes]`, with sum one.
    pub fn shares(&self, truth: &[usize]) -> Vec<f32> {
        let weight = |class: usize| self.weights.get(class).copied().unwrap_or(1.0);
        let total: f32 = truth.iter().map(|class| weight(*class)).sum();
        let spread = self.smoothing / self.classes as f32;
        let mut shares = Vec::with_capacity(truth.len() * self.classes);
        for class in truth {
            let share = weight(*class) / total;
            shares.extend(
                (0..self.classes)
                    .map(|c| share * (spread + if c == *class { 1.0 - self.smoothing } else { 0.0 })),
            );
        }
        shares
    }
}

/// As [`Targets::shares`], where every view counts the same and nothing is smoothed.
pub fn even_shares(truth: &[usize], classes: usize) -> Vec<f32> {
    let share = 1.0 / truth.len().max(1) as f32;
    let of = |class: usize, own: usize| if class == own { share } else { 0.0 };
    truth.iter().flat_map(|own| (0..classes).map(move |class| of(class, *own))).collect()
}

/// The loss of scores, which become its gradient: `softmax(scores) * sum(shares) - shares` in each row.
///
/// # Shapes
/// `scores`: `[views, classes]`; `shares`: the same, as [`Targets::shares`].
pub fn loss_into_gradient(scores: &mut [f32], shares: &[f32], classes: usize) -> f64 {
    let mut loss = 0.0;
    for (scores, shares) in scores.chunks_exact_mut(classes).zip(shares.chunks_exact(classes)) {
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = scores.iter().map(|score| libm::expf(score - most)).sum();
        let all: f32 = shares.iter().sum();
        let log_sum = libm::logf(sum);
        for (score, share) in scores.iter_mut().zip(shares) {
            let log_probability = *score - most - log_sum;
            loss -= f64::from(share * log_probability);
            *score = libm::expf(log_probability) * all - share;
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::tune::classifier::loss;
    use burn::tensor::{Device, Tensor};

    const SCORES: [[f32; 3]; 2] = [[2.0, 1.0, -1.0], [0.5, 0.0, 1.5]];

    fn flat() -> TrainOptions {
        TrainOptions { class_weights: ClassWeights::None, label_smoothing: 0.1, ..TrainOptions::default() }
    }

    #[test]
    fn balanced_weights_make_rare_classes_count_the_same() {
        let targets = Targets::new(&TrainOptions::default(), 2, &[0, 0, 0, 1]);
        assert_eq!(targets.weights, [4.0 / 6.0, 2.0]);
        assert_eq!(Targets::new(&flat(), 2, &[0, 0, 0, 1]).weights, [1.0, 1.0]);
    }

    /// Computed with numpy by the formula that PyTorch documents for `cross_entropy(label_smoothing=0.1)`: it spreads the
    /// smoothing over all classes as we do.
    #[test]
    fn the_smoothed_loss_agrees_with_pytorch() {
        let targets = Targets::new(&flat(), 3, &[0, 2]);
        let scores = Tensor::<2>::from_data(SCORES, &Device::flex());
        let derived = loss(scores, targets.shares(&[0, 2])).into_scalar::<f32>();
        let direct = loss_into_gradient(&mut SCORES.concat(), &targets.shares(&[0, 2]), 3) as f32;
        for loss in [derived, direct] {
            assert!((loss - 0.515_023_8).abs() < 1e-6, "{loss}");
        }
    }

    #[test]
    fn the_gradient_is_what_burn_derives() {
        let targets = Targets::new(&TrainOptions::default(), 3, &[0, 2, 2]);
        let scores = Tensor::<2>::from_data(SCORES, &Device::flex().autodiff()).require_grad();
        let gradients = loss(scores.clone(), targets.shares(&[0, 2])).backward();
        let expected = crate::device::values(scores.grad(&gradients).unwrap()).unwrap();
        let mut found = SCORES.concat();
        loss_into_gradient(&mut found, &targets.shares(&[0, 2]), 3);
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }
}
