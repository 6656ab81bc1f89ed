//! Temperature scaling: probabilities that mean what they say (Guo, Pleiss, Sun, Weinberger 2017, "On calibration of
//! modern neural networks").

/// Temperatures that are tried, from the least to the most.
const RANGE: (f64, f64) = (0.05, 20.0);
/// Halvings of that range's logarithm, which leave less than a millionth of it.
const HALVINGS: usize = 24;

/// What scores are divided by before the softmax.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// Above one makes predictions less sure, below one surer.
    pub value: f32,
    /// Mean cross-entropy in nats of the scores it was fitted on, with it.
    pub loss: f64,
}

impl Temperature {
    /// The temperature of the least cross-entropy on examples that the scores' head was not trained on, and on one more
    /// that is of every class alike: of few examples, all of them right, it would otherwise follow that nothing is ever
    /// wrong.
    ///
    /// # Shapes
    /// `scores`: `[examples, classes]` before the softmax; `truth`: one class an example.
    pub fn fit(scores: &[f32], truth: &[usize], classes: usize) -> Self {
        let doubt = 1.0 / (truth.len() as f64 + 1.0);
        let at = |sharpness: f64| {
            let rows = scores.chunks_exact(classes.max(1)).zip(truth);
            let mut sums = (0.0, 0.0);
            for (row, class) in rows {
                let (loss, slope) = loss_and_slope(row, *class, sharpness, doubt);
                sums = (sums.0 + loss, sums.1 + slope);
            }
            sums
        };
        // The loss is convex in the reciprocal, the sharpness.
        let (mut low, mut high) = (-libm::log(RANGE.1), -libm::log(RANGE.0));
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if at(libm::exp(middle)).1 < 0.0 { low = middle } else { high = middle }
        }
        let sharpness = libm::exp(f64::midpoint(low, high));
        Self { value: sharpness.recip() as f32, loss: at(sharpness).0 / truth.len().max(1) as f64 }
    }
}

/// The cross-entropy of one example, and its derivative by the sharpness.
fn loss_and_slope(row: &[f32], class: usize, sharpness: f64, doubt: f64) -> (f64, f64) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted, mut expected) = (0.0, 0.0, 0.0);
    for (index, score) in row.iter().enumerate() {
        let score = f64::from(score - most);
        let power = libm::exp(sharpness * score);
        sum += power;
        weighted += power * score;
        let share = doubt / row.len() as f64 + if index == class { 1.0 - doubt } else { 0.0 };
        expected += share * score;
    }
    (libm::log(sum) - sharpness * expected, weighted / sum - expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Scores of two classes, and truths drawn by the probabilities that they have at `temperature`.
    fn drawn(temperature: f32, count: usize) -> (Vec<f32>, Vec<usize>) {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        (0..count)
            .map(|_| {
                let score = rng.random_range(-6.0..6.0f32);
                let first = 1.0 / (1.0 + (-score / temperature).exp());
                ([score, 0.0], usize::from(rng.random::<f32>() >= first))
            })
            .fold((Vec::new(), Vec::new()), |(mut scores, mut truth), (row, class)| {
                scores.extend(row);
                truth.push(class);
                (scores, truth)
            })
    }

    #[test]
    fn the_temperature_of_made_up_truths_is_found() {
        for temperature in [0.5, 1.0, 3.0] {
            let (scores, truth) = drawn(temperature, 20_000);
            let found = Temperature::fit(&scores, &truth, 2);
            assert!((found.value / temperature - 1.0).abs() < 0.05, "{found:?}");
        }
    }

    #[test]
    fn a_few_right_answers_are_no_certainty() {
        let scores = [4.0, 0.0, 0.0, 4.0, 4.0, 0.0, 0.0, 4.0];
        let found = Temperature::fit(&scores, &[0, 1, 0, 1], 2);
        // One of five examples has either class: the loss is least at a probability of 0.9.
        let probability = 1.0 / (1.0 + (-4.0 / found.value).exp());
        assert!((probability - 0.9).abs() < 1e-3, "{probability}");
        assert!(Temperature::fit(&[], &[], 2).value.is_finite());
        assert!(Temperature::fit(&[0.0; 8], &[0, 1, 0, 1], 2).value.is_finite());
    }
}
