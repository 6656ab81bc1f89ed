//! A linear head in training on all views at once: an iteration of L-BFGS a step, to the optimum.

use super::lbfgs::Lbfgs;
use super::objective::{Evaluation, Objective};
use super::samples::Samples;
use super::strength::{Choice, Selection};
use super::{HeldOut, Standardisation, Sums, Targets, TrainOptions, Views};
use crate::dense::Dense;
use crate::head::Head;

/// A gradient whose largest number is below this is flat: the head no longer changes what it predicts.
const FLAT: f64 = 1e-4;

/// The strength being chosen, then the head being solved for.
pub struct Solve {
    samples: Samples,
    truth: Vec<usize>,
    examples: usize,
    objective: Objective,
    selection: Option<Selection>,
    choice: Option<Choice>,
    /// Where the solver begins.
    start: Vec<f32>,
    held_out: Option<HeldOut>,
    solver: Option<Lbfgs>,
    ended: bool,
}

impl Solve {
    /// Begins a training on views of `classes` classes.
    pub fn new(
        train: Views,
        by: &Standardisation,
        classes: usize,
        options: &TrainOptions,
        seed: u32,
    ) -> Self {
        let plain = train.plain();
        let (truth, features) = (train.classes(), train.length());
        let shares = Targets::new(options, classes, &truth).shares(&truth);
        let objective = Objective::new(features, classes, shares, 0.0);
        Self {
            examples: plain.len(),
            start: objective.origin(),
            objective,
            selection: Some(Selection::new(Samples::condensed(plain, by.clone()), classes, options, seed)),
            samples: Samples::new(train, by.clone()),
            truth,
            choice: None,
            held_out: None,
            solver: None,
            ended: false,
        }
    }

    /// Begins with this layer: the optimum is the same, and near where little has changed.
    pub fn start_from(&mut self, layer: &Dense) {
        self.start = layer.values();
    }

    /// Takes one iteration; gives what the head, at the temperature that was chosen, made of the views after it once the
    /// strength is chosen.
    pub fn step(&mut self) -> Option<Sums> {
        if let Some(selection) = &mut self.selection {
            if let Some(choice) = selection.step() {
                self.objective.set_penalty(1.0 / (choice.strength * self.examples.max(1) as f64));
                self.choice = Some(choice);
                self.held_out = self.selection.take().map(|selection| selection.held_out());
            }
            return None;
        }
        let (objective, start) = (&self.objective, &self.start);
        let samples = &self.samples;
        let mut last = Vec::new();
        let mut evaluate = |at| {
            let Evaluation { scores, point } = objective.evaluate(samples, at);
            last = scores;
            point
        };
        let solver = self.solver.get_or_insert_with(|| Lbfgs::new(evaluate(start.clone())));
        let moved = solver.step(&mut evaluate);
        if !moved {
            // What was tried last was not taken.
            evaluate(solver.point().at.clone());
        }
        self.ended = !moved || solver.steepness() < FLAT;
        let temperature = self.choice?.temperature;
        last.iter_mut().for_each(|score| *score /= temperature);
        let mut sums = Sums::default();
        sums.add(objective.loss(&last), &last, &self.truth);
        Some(sums)
    }

    /// What was chosen by cross-validation, once it is.
    pub fn choice(&self) -> Option<Choice> {
        self.choice
    }

    /// The predictions of the cross-validation, once it is done.
    pub fn held_out(&self) -> Option<&HeldOut> {
        self.held_out.as_ref()
    }

    /// Whether the head is at the optimum.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The head as it is, at the temperature that was chosen.
    pub fn head(&self) -> Head {
        let start = || self.start.clone();
        let mut at = self.solver.as_ref().map_or_else(start, |solver| solver.point().at.clone());
        let temperature = self.choice.map_or(1.0, |choice| choice.temperature);
        at.iter_mut().for_each(|value| *value /= temperature);
        Head::linear(self.objective.layer(&at))
    }
}

#[cfg(test)]
pub use tests::photos;

#[cfg(test)]
mod tests {
    use super::super::ClassWeights;
    use super::super::LabelledView;
    use super::*;
    use half::f16;
    use safetensors::SafeTensors;

    const CLASSES: usize = 6;

    /// Views of the photos that are to be trained on, or of the others.
    pub fn photos(train: bool) -> Views {
        let file = include_bytes!("../../../../tests/golden/solver/inputs.safetensors");
        let file = SafeTensors::deserialize(file).unwrap();
        let (features, classes) = (file.tensor("features").unwrap(), file.tensor("classes").unwrap());
        let length = features.shape()[1];
        let values: Vec<f16> = features.data().as_chunks().0.iter().map(|b| f16::from_le_bytes(*b)).collect();
        let sets = file.tensor("train").unwrap();
        let rows = values.chunks_exact(length).zip(classes.data()).zip(sets.data()).zip(0..);
        let view = |(((features, class), set), group): (((&[f16], &u8), &u8), u32)| {
            let class = usize::from(*class);
            (*set == u8::from(train)).then(|| LabelledView {
                features: features.into(),
                class,
                group,
                plain: true,
            })
        };
        Views::new(length, rows.filter_map(view).collect())
    }

    /// `tests/golden/solver/README.md` says what is compared and how closely.
    #[test]
    fn the_optimum_is_that_of_scikit_learn() {
        let cases = include_str!("../../../../tests/golden/solver/expected.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let balanced = case["balanced"].as_bool().unwrap();
            let class_weights = if balanced { ClassWeights::Balanced } else { ClassWeights::None };
            let options = TrainOptions { class_weights, label_smoothing: 0.0, ..TrainOptions::default() };
            let (train, test) = (photos(true), photos(false));
            let by = Standardisation::of(&train);
            let mut solve = Solve::new(train, &by, CLASSES, &options, 1);
            solve.selection = None;
            solve.choice = Some(Choice::of_strength(case["strength"].as_f64().unwrap()));
            solve.objective.set_penalty(1.0 / (case["strength"].as_f64().unwrap() * solve.examples as f64));
            while !solve.ended || solve.solver.as_ref().unwrap().steepness() > 1e-6 {
                let before = solve.solver.as_ref().map(|solver| solver.point().value);
                solve.step();
                if before == solve.solver.as_ref().map(|solver| solver.point().value) {
                    break;
                }
            }
            let solver = solve.solver.as_ref().unwrap();
            let (found, expected) = (solver.point().value, case["objective"].as_f64().unwrap());
            assert!((found / expected - 1.0).abs() < 1e-4, "{found} {expected}");

            let test = Samples::new(test, by);
            let layer = solve.objective.layer(&solver.point().at);
            let mut scores = Vec::new();
            test.each(|_, rows| scores.extend(layer.apply(rows)));
            let expected: Vec<f64> =
                case["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
            for (scores, expected) in scores.chunks_exact(CLASSES).zip(expected.chunks_exact(CLASSES)) {
                let sum: f64 = scores.iter().map(|score| f64::from(*score).exp()).sum();
                let found: Vec<f64> = scores.iter().map(|score| f64::from(*score).exp() / sum).collect();
                let best = |row: &[f64]| (0..CLASSES).max_by(|a, b| row[*a].total_cmp(&row[*b]));
                assert_eq!(best(&found), best(expected));
                for (a, b) in found.iter().zip(expected) {
                    assert!((a - b).abs() < 2e-3, "{found:?} {expected:?}");
                }
            }
        }
    }
}
