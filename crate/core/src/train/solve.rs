//! A linear head in training on all views at once: an iteration of L-BFGS a step, to the optimum.

use super::lbfgs::Lbfgs;
use super::objective::{Evaluation, Objective};
use super::samples::Samples;
use super::strength::{Choice, Selection};
use super::{Standardisation, Sums, Targets, TrainOptions, Views};
use crate::error::Result;
use crate::head::Head;
use burn::tensor::Device;

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
        Self {
            examples: plain.len(),
            objective: Objective::new(features, classes, shares, 0.0),
            selection: Some(Selection::new(Samples::new(plain, by.clone()), classes, options, seed)),
            samples: Samples::new(train, by.clone()),
            truth,
            choice: None,
            solver: None,
            ended: false,
        }
    }

    /// Takes one iteration; gives what the head, at the temperature that was
    /// chosen, made of the views after it once the strength is chosen.
    pub fn step(&mut self) -> Option<Sums> {
        if let Some(selection) = &mut self.selection {
            if let Some(choice) = selection.step() {
                self.objective.set_penalty(1.0 / (choice.strength * self.examples.max(1) as f64));
                (self.choice, self.selection) = (Some(choice), None);
            }
            return None;
        }
        let objective = &self.objective;
        let samples = &self.samples;
        let mut last = Vec::new();
        let mut evaluate = |at| {
            let Evaluation { scores, point } = objective.evaluate(samples, at);
            last = scores;
            point
        };
        let solver = self.solver.get_or_insert_with(|| Lbfgs::new(evaluate(objective.origin())));
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

    /// Whether the head is at the optimum.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The head as it is, at the temperature that was chosen. Errors as [`Head::from_tensors`].
    pub fn head(&self) -> Result<Head> {
        let origin = || self.objective.origin();
        let mut at = self.solver.as_ref().map_or_else(origin, |solver| solver.point().at.clone());
        let temperature = self.choice.map_or(1.0, |choice| choice.temperature);
        at.iter_mut().for_each(|value| *value /= temperature);
        Head::linear(&self.objective.layer(&at), &Device::flex())
    }
}
