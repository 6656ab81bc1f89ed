//! What a full-batch solver minimises: the cross-entropy of a linear head, and L2 on its weights.

use super::lbfgs::Point;
use super::samples::Samples;
use super::targets;
use crate::dense::Dense;

/// `sum(shares * -log softmax(scores)) + penalty / 2 * |weights|^2`, biases not penalised. With shares that sum to one
/// this is `1 / n` of scikit-learn's objective for `LogisticRegression(C)` where `penalty` is `1 / (C n)`.
pub struct Objective {
    features: usize,
    classes: usize,
    /// `[views, classes]`; zeros for a view that does not count.
    shares: Vec<f32>,
    penalty: f32,
}

impl Objective {
    /// The objective on samples of `features` numbers, of which each class has these shares.
    pub fn new(features: usize, classes: usize, shares: Vec<f32>, penalty: f64) -> Self {
        Self { features, classes, shares, penalty: penalty as f32 }
    }

    /// The same with another penalty.
    pub fn set_penalty(&mut self, penalty: f64) {
        self.penalty = penalty as f32;
    }

    /// A layer of zeros: every class equally probable.
    pub fn origin(&self) -> Vec<f32> {
        Dense::zeros(self.features, self.classes).values()
    }

    /// The layer whose numbers a solver found.
    pub fn layer(&self, at: &[f32]) -> Dense {
        Dense::from_values(self.features, self.classes, at)
    }

    /// Value and gradient at a layer's numbers, with its scores of all samples.
    ///
    /// # Shapes
    /// `at`: as [`Dense::values`]; scores: `[views, classes]`
    pub fn evaluate(&self, samples: &Samples, at: Vec<f32>) -> Evaluation {
        let layer = self.layer(&at);
        let mut loss = 0.0;
        let mut gradient = vec![0.0; at.len()];
        let mut all = Vec::with_capacity(self.shares.len());
        samples.each(|block, rows| {
            let mut scores = layer.apply(rows);
            all.extend_from_slice(&scores);
            let shares = block.start * self.classes..block.end * self.classes;
            let shares = self.shares.get(shares).unwrap_or_default();
            loss += targets::loss_into_gradient(&mut scores, shares, self.classes);
            let part = layer.gradient(rows, &scores).values();
            gradient.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        });
        let squares = self.penalise(layer, &mut gradient);
        let value = loss + 0.5 * f64::from(self.penalty) * squares;
        Evaluation { scores: all, point: Point { at, value, gradient } }
    }

    /// The cross-entropy of scores, without the penalty.
    ///
    /// # Shapes
    /// `scores`: `[views, classes]`
    pub fn loss(&self, scores: &[f32]) -> f64 {
        targets::loss_into_gradient(&mut scores.to_vec(), &self.shares, self.classes)
    }

    /// Adds the penalty's gradient; gives the sum of the weights' squares.
    fn penalise(&self, mut layer: Dense, gradient: &mut [f32]) -> f64 {
        let mut squares = 0.0;
        let mut gradient = gradient.iter_mut();
        for (is_bias, part) in layer.parts_mut() {
            for (value, gradient) in part.iter().zip(&mut gradient) {
                if !is_bias {
                    squares += f64::from(value * value);
                    *gradient += self.penalty * value;
                }
            }
        }
        squares
    }
}

/// What [`Objective::evaluate`] finds.
pub struct Evaluation {
    /// `[views, classes]`
    pub scores: Vec<f32>,
    /// Value and gradient.
    pub point: Point,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{LabelledView, Standardisation, Views};
    use half::f16;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let (features, classes, count) = (5, 3, 7);
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let mut view = |class| LabelledView {
            features: (0..features).map(|_| f16::from_f32(rng.random_range(-2.0..2.0))).collect(),
            class,
            group: 0,
            plain: true,
        };
        let views = Views::new(features, (0..count).map(|i| view(i % classes)).collect());
        let samples = Samples::new(
            views,
            Standardisation { unit: false, mean: vec![0.1; features], scale: vec![1.5; features] },
        );
        let shares = (0..count * classes).map(|_| rng.random_range(0.0..0.2)).collect();
        let objective = Objective::new(features, classes, shares, 0.3);
        let columns: Vec<f32> = (0..features * classes).map(|_| rng.random_range(-1.0..1.0)).collect();
        let at = Dense::of_columns(&columns, features).values();
        let found = objective.evaluate(&samples, at.clone()).point.gradient;
        for (place, gradient) in found.iter().enumerate().filter(|(_, gradient)| **gradient != 0.0) {
            let value = |delta: f32| {
                let mut moved = at.clone();
                moved[place] += delta;
                objective.evaluate(&samples, moved).point.value
            };
            let expected = (value(1e-2) - value(-1e-2)) / 2e-2;
            assert!((expected - f64::from(*gradient)).abs() < 1e-3, "{place}: {expected} {gradient}");
        }
        // The padding has none, and so stays zero.
        assert_eq!(found.iter().filter(|gradient| **gradient != 0.0).count(), (features + 1) * classes);
    }
}
