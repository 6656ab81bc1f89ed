//! Live mode: the head that there is, taken on to the optimum of the examples that there are now.
//!
//! Strength and temperature stay as they were chosen, and the solver begins where it ended, so that one example more costs
//! a few iterations.

use super::lbfgs::Lbfgs;
use super::objective::Objective;
use super::samples::Samples;
use super::strength::FALLBACK;
use super::{Standardisation, Targets, TrainOptions, Views};
use crate::head::Head;

/// Iterations at most, from a head that knows most of the examples and from nothing.
const MOST_WARM: usize = 8;
const MOST_COLD: usize = 30;
/// A gradient whose largest number is below this is flat: the head no longer changes what it predicts.
const FLAT: f64 = 1e-4;

/// What a live head goes on from.
#[derive(Debug, Clone)]
pub struct Start {
    /// Number of classes.
    pub classes: usize,
    /// Columns and biases for these classes of a linear head on features at unit length; nothing begins at zero.
    pub known: Option<(Vec<f32>, Vec<f32>)>,
    /// The inverse regularisation strength that was chosen, if one was.
    pub strength: Option<f64>,
    /// What the head's scores were divided by.
    pub temperature: f32,
}

/// The head of plain views, each of one example.
pub fn resolve(plain: Views, options: &TrainOptions, start: &Start) -> Head {
    let (classes, length, count) = (start.classes, plain.length(), plain.len().max(1));
    let by = Standardisation::shrunk(&plain);
    let truth = plain.classes();
    let shares = Targets::new(options, classes, &truth).shares(&truth);
    let penalty = 1.0 / (start.strength.unwrap_or(FALLBACK) * count as f64);
    let objective = Objective::new(length, classes, shares, penalty);
    let layer = start.known.clone().map(|(columns, biases)| by.layer(columns, biases));
    let most = if layer.is_some() { MOST_WARM } else { MOST_COLD };
    let origin = layer.map_or_else(|| objective.origin(), |layer| layer.values());
    let samples = Samples::new(plain, by.clone());
    let evaluate = |at| objective.evaluate(&samples, at).point;
    let mut solver = Lbfgs::new(evaluate(origin));
    for _ in 0..most {
        if solver.steepness() < FLAT || !solver.step(evaluate) {
            break;
        }
    }
    let at: Vec<f32> = solver.point().at.iter().map(|value| value / start.temperature).collect();
    let head = Head::linear(objective.layer(&at));
    head.fold_standardisation(&by.mean, &by.scale).with_unit(by.unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::Dense;
    use crate::train::LabelledView;
    use half::f16;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const LENGTH: usize = 24;

    /// The first examples of a stream, each of the next class.
    fn views(count: usize, classes: usize) -> Views {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let centres: Vec<f32> = (0..classes * LENGTH).map(|_| rng.random_range(0.0..1.0)).collect();
        let mut view = |group: usize| LabelledView {
            features: (0..LENGTH)
                .map(|i| f16::from_f32(centres[group % classes * LENGTH + i] + rng.random_range(-0.8..0.8)))
                .collect(),
            class: group % classes,
            group: group as u32,
            plain: true,
        };
        Views::new(LENGTH, (0..count).map(&mut view).collect())
    }

    fn start(known: Option<(Vec<f32>, Vec<f32>)>) -> Start {
        Start { classes: 3, known, strength: Some(0.1), temperature: 0.7 }
    }

    /// What a head begins with where another ended.
    fn known(head: &Head) -> Option<(Vec<f32>, Vec<f32>)> {
        let (mut columns, mut biases) = head.columns()?;
        columns.iter_mut().chain(&mut biases).for_each(|value| *value *= 0.7);
        Some((columns, biases))
    }

    fn weights(head: &Head) -> Vec<f32> {
        head.to_tensors().into_iter().flat_map(|tensor| tensor.values).collect()
    }

    /// Largest difference of two heads' weights, in parts of the largest weight.
    fn difference(a: &Head, b: &Head) -> f32 {
        let (a, b) = (weights(a), weights(b));
        let most = b.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        a.iter().zip(&b).fold(0.0f32, |gap, (a, b)| gap.max((a - b).abs())) / most
    }

    #[test]
    fn a_head_that_follows_every_example_ends_where_one_ends_that_saw_all_at_once() {
        let options = TrainOptions::default();
        let mut head: Option<Head> = None;
        for count in 30..=60 {
            let start = start(head.as_ref().and_then(known));
            head = Some(resolve(views(count, 3), &options, &start));
        }
        let at_once = resolve(views(60, 3), &options, &start(None));
        let gap = difference(&head.unwrap(), &at_once);
        assert!(gap < 0.03, "{gap}");
    }

    #[test]
    fn a_warm_start_is_where_the_old_head_was() {
        let old = resolve(views(60, 3), &TrainOptions::default(), &start(None));
        let by = Standardisation::shrunk(&views(60, 3));
        let (columns, biases) = known(&old).unwrap();
        let at: Vec<f32> = by.layer(columns, biases).values().iter().map(|value| value / 0.7).collect();
        let again = Head::linear(Dense::from_values(LENGTH, 3, &at));
        let again = again.fold_standardisation(&by.mean, &by.scale).with_unit(true);
        assert!(difference(&again, &old) < 1e-4);
    }
}
