//! What cross-validation makes of examples.

use crate::head::softmax;

/// Standard errors that a difference has to be above.
const ERRORS: f64 = 2.0;

/// What cross-validation makes of examples, each by a head that was not trained on it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// Which plain views were held out once: all, but for those of a class of a single group.
    pub views: Vec<usize>,
    /// Their classes.
    pub truth: Vec<usize>,
    /// `[views, classes]`, at the temperature that fits them.
    pub probabilities: Vec<f32>,
}

impl HeldOut {
    /// Of scores before the softmax, `[views, classes]`, and what they are divided by.
    pub(super) fn new(
        views: Vec<usize>,
        truth: Vec<usize>,
        mut scores: Vec<f32>,
        classes: usize,
        temperature: f32,
    ) -> Self {
        for row in scores.chunks_exact_mut(classes.max(1)) {
            softmax(row, temperature);
        }
        Self { views, truth, probabilities: scores }
    }

    /// Mean cross-entropy in nats.
    pub(super) fn loss(&self) -> f64 {
        self.losses().map(|(_, loss)| loss).sum::<f64>() / self.views.len().max(1) as f64
    }

    /// Whether its cross-entropy is lower than the other's by more than two standard errors of the paired differences, on the
    /// views that both have: what is preferred is left only for what is shown to be better, at about 5% (the rule of Breiman,
    /// Friedman, Olshen, Stone 1984 has one standard error, of one candidate's loss: Hastie, Tibshirani, Friedman 2009, 7.10).
    pub(super) fn is_clearly_better_than(&self, other: &Self) -> bool {
        let mut others = vec![None; other.views.iter().max().map_or(0, |last| last + 1)];
        for (view, loss) in other.losses() {
            others.iter_mut().skip(view).take(1).for_each(|to| *to = Some(loss));
        }
        let paired = |(view, loss): (usize, f64)| Some(others.get(view).copied().flatten()? - loss);
        let gains: Vec<f64> = self.losses().filter_map(paired).collect();
        let count = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / count;
        let variance = gains.iter().map(|gain| (gain - mean) * (gain - mean)).sum::<f64>() / (count - 1.0);
        count > 1.0 && mean > ERRORS * libm::sqrt(variance / count)
    }

    /// Cross-entropy of each view.
    fn losses(&self) -> impl Iterator<Item = (usize, f64)> {
        let classes = self.probabilities.len() / self.truth.len().max(1);
        let rows = self.probabilities.chunks_exact(classes.max(1)).zip(&self.truth).zip(&self.views);
        rows.map(|((row, class), view)| {
            let probability = row.get(*class).copied().unwrap_or(0.0).max(f32::MIN_POSITIVE);
            (*view, -libm::log(f64::from(probability)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(views: Vec<usize>, probabilities: &[f32]) -> HeldOut {
        let probabilities = probabilities.iter().flat_map(|p| [*p, 1.0 - p]).collect();
        HeldOut { truth: vec![0; views.len()], views, probabilities }
    }

    #[test]
    fn what_is_better_by_less_than_its_error_is_not_clearly_better() {
        let other = of(vec![0, 1, 2, 3], &[0.5; 4]);
        let steady = of(vec![3, 2, 1, 0], &[0.6, 0.62, 0.6, 0.58]);
        assert!(steady.is_clearly_better_than(&other) && !other.is_clearly_better_than(&steady));
        // A little better in the mean, by one view.
        let lucky = of(vec![0, 1, 2, 3], &[0.99, 0.45, 0.45, 0.45]);
        assert!(lucky.loss() < other.loss() && !lucky.is_clearly_better_than(&other));
        assert!(!other.is_clearly_better_than(&other));
        assert!(!of(vec![], &[]).is_clearly_better_than(&other));
        assert!(!of(vec![7, 8], &[0.9, 0.9]).is_clearly_better_than(&other), "no view is in both");
    }

    #[test]
    fn views_are_compared_by_their_number() {
        let shuffled = of(vec![1, 0], &[0.9, 0.1]);
        assert!(!shuffled.is_clearly_better_than(&of(vec![0, 1], &[0.1, 0.9])));
    }
}
