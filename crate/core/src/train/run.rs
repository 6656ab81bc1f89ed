//! One training, pulled step by step by the caller: pausing is not asking, cancelling is dropping.

use super::descent::Descent;
use super::neighbours::Neighbours;
use super::prototypes::Prototypes;
use super::solve::Solve;
use super::{
    Divergence, EpochRow, HeldOut, Phase, Solver, Standardisation, Strategy, Sums, TrainOptions, Views,
};
use crate::error::{Error, Result};
use crate::evaluate::Metrics;
use crate::head::Head;

/// Views that are judged at once.
const VALIDATION_BATCH: usize = 256;

/// What a call of [`Run::step`] did.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// One step; the epoch goes on.
    Step,
    /// The last step of an epoch.
    Epoch(EpochRow),
    /// Nothing: all epochs are done, there was no better one for `patience` epochs, or the run diverged after a good one.
    Finished,
}

/// A training in work. It owns all it reads, so the project may change meanwhile.
pub struct Run {
    options: TrainOptions,
    labels: Vec<String>,
    validation: Views,
    standardisation: Standardisation,
    learner: Learner,
    /// What the learner is compared to once it is known how well that does.
    rivals: Vec<Learner>,
    rows: Vec<EpochRow>,
    best: Option<Best>,
    diverged: Option<Divergence>,
}

/// How the head is trained.
enum Learner {
    Descent(Box<Descent>),
    Solve(Box<Solve>),
    Prototypes(Box<Prototypes>),
    Neighbours(Box<Neighbours>),
}

impl Learner {
    /// What it makes of examples that are left out, where it leaves some out and once it has.
    fn held_out(&self) -> Option<&HeldOut> {
        match self {
            Self::Descent(_) => None,
            Self::Solve(solve) => solve.held_out(),
            Self::Prototypes(prototypes) => prototypes.held_out(),
            Self::Neighbours(neighbours) => neighbours.held_out(),
        }
    }

    /// What its scores are divided by; 1 where that is not fitted.
    fn temperature(&self) -> f32 {
        match self {
            Self::Descent(_) => 1.0,
            Self::Solve(solve) => solve.choice().map_or(1.0, |choice| choice.temperature),
            Self::Prototypes(prototypes) => prototypes.temperature(),
            Self::Neighbours(neighbours) => neighbours.chosen().temperature,
        }
    }

    /// The head as it is.
    fn head(&self) -> Head {
        match self {
            Self::Descent(descent) => descent.head(),
            Self::Solve(solve) => solve.head(),
            Self::Prototypes(prototypes) => prototypes.head(),
            Self::Neighbours(neighbours) => neighbours.head(),
        }
    }
}

/// The head to be kept.
struct Best {
    epoch: u32,
    head: Head,
    validation: Option<Metrics>,
}

/// What a finished run leaves.
pub struct Outcome {
    /// The head of the best epoch, for raw features.
    pub head: Head,
    /// The epoch it is of, from 1.
    pub best_epoch: u32,
    /// Whether the run ended before its last epoch.
    pub stopped_early: bool,
    /// The kept head on the validation views.
    pub validation: Option<Metrics>,
    /// One row an epoch.
    pub rows: Vec<EpochRow>,
    /// The examples that were trained on, each judged by a head that was trained on the others.
    pub cross_validation: Option<Metrics>,
    /// The inverse regularisation strength, where it was chosen.
    pub strength: Option<f64>,
    /// How many examples of each class vote, where the head is of nearest neighbours.
    pub neighbours: Option<usize>,
    /// What the head's scores were divided by; 1 where it was not fitted.
    pub temperature: f32,
    /// Where the run diverged, if it did.
    pub diverged: Option<Divergence>,
}

impl Run {
    /// Begins a training on views of the classes `labels`, of which none may be empty.
    pub fn new(
        options: TrainOptions,
        labels: Vec<String>,
        train: Views,
        mut validation: Views,
        project_seed: u32,
    ) -> Self {
        let (classes, seed) = (labels.len(), project_seed);
        let means = |train: &Views| Learner::Prototypes(Box::new(Prototypes::new(train, classes, seed)));
        let near = |train: &Views| Learner::Neighbours(Box::new(Neighbours::new(train, classes, seed, None)));
        let mut rivals = Vec::new();
        if options.used_solver() == Solver::Auto {
            rivals.push(means(&train));
            // Stages cannot be trained behind a head that keeps what the stages before made of its examples.
            if options.strategy == Strategy::Head && Neighbours::suits(&train, classes) {
                rivals.push(near(&train));
            }
        }
        let unit = Standardisation::unit(train.length());
        let (by, learner) = match options.used_solver() {
            Solver::Lbfgs | Solver::Auto => {
                let by = Standardisation::shrunk(&train);
                let solve = Solve::new(train, &by, classes, &options, seed);
                (by, Learner::Solve(Box::new(solve)))
            }
            Solver::Prototype => (unit, means(&train)),
            Solver::Neighbours => (unit, near(&train)),
            Solver::Adamw | Solver::Adam | Solver::Sgd => {
                let by = Standardisation::of(&train);
                let descent = Descent::new(train, &by, classes, &options, seed);
                (by, Learner::Descent(Box::new(descent)))
            }
        };
        validation.keep_standardised(&by);
        let (rows, best) = (Vec::new(), None);
        Self { options, labels, validation, standardisation: by, learner, rivals, rows, best, diverged: None }
    }

    /// Begins with a linear head on features that are not standardised instead of one that knows nothing, where a linear head
    /// is trained that reads them at the same length; `unit` says whether that is one.
    ///
    /// # Shapes
    /// `columns`: `[classes, length]`; `biases`: `[classes]`
    pub fn start_from(&mut self, columns: Vec<f32>, biases: Vec<f32>, unit: bool) {
        if unit != self.standardisation.unit {
            return;
        }
        let layer = self.standardisation.layer(columns, biases);
        match &mut self.learner {
            Learner::Descent(descent) => descent.start_from(layer),
            Learner::Solve(solve) => solve.start_from(&layer),
            Learner::Prototypes(_) | Learner::Neighbours(_) => {}
        }
    }

    /// Number of epochs that are done.
    pub fn epochs_done(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Takes one step.
    ///
    /// # Errors
    /// `TRAINING_DIVERGED` where the loss is not finite before one epoch is done; later the run ends at its best epoch.
    pub fn step(&mut self) -> Result<Progress> {
        if self.finished() {
            return Ok(Progress::Finished);
        }
        let sums = match &mut self.learner {
            Learner::Descent(descent) => descent.step(),
            Learner::Solve(solve) => solve.step(),
            Learner::Prototypes(prototypes) => Some(prototypes.step()),
            Learner::Neighbours(neighbours) => neighbours.step(),
        };
        self.choose();
        match sums {
            Some(sums) if !sums.loss().is_finite() => self.diverge(&sums),
            Some(sums) => Ok(Progress::Epoch(self.close_epoch(&sums))),
            None => Ok(Progress::Step),
        }
    }

    /// The best head and how it came about, once no step is left; before, what there is so far.
    ///
    /// # Errors
    /// `NOT_TRAINED` where not one epoch is done.
    pub fn finish(self) -> Result<Outcome> {
        let best = self.best.ok_or(Error::NotTrained)?;
        let by = &self.standardisation;
        let (strength, neighbours) = match &self.learner {
            Learner::Solve(solve) => (solve.choice().map(|choice| choice.strength), None),
            Learner::Neighbours(neighbours) => (None, Some(neighbours.chosen().nearest)),
            Learner::Descent(_) | Learner::Prototypes(_) => (None, None),
        };
        let judged = self.learner.held_out().filter(|held_out| !held_out.truth.is_empty());
        let metrics =
            |held_out: &HeldOut| Metrics::new(&self.labels, &held_out.probabilities, &held_out.truth);
        Ok(Outcome {
            head: best.head.fold_standardisation(&by.mean, &by.scale).with_unit(by.unit),
            best_epoch: best.epoch,
            stopped_early: self.rows.len() < self.options.epochs as usize,
            validation: best.validation,
            cross_validation: judged.map(metrics),
            rows: self.rows,
            strength,
            neighbours,
            temperature: self.learner.temperature(),
            diverged: self.diverged,
        })
    }

    fn finished(&self) -> bool {
        if self.epochs_done() >= self.options.epochs || self.diverged.is_some() {
            return true;
        }
        match &self.learner {
            Learner::Solve(solve) => solve.ended(),
            Learner::Prototypes(prototypes) => prototypes.ended(),
            Learner::Neighbours(neighbours) => neighbours.ended(),
            Learner::Descent(_) => {
                let waited = self.epochs_done() - self.best.as_ref().map_or(0, |best| best.epoch);
                self.options.patience > 0 && waited >= self.options.patience
            }
        }
    }

    /// Ends with the best epoch, where there is one.
    fn diverge(&mut self, sums: &Sums) -> Result<Progress> {
        let (epoch, reason) = (self.epochs_done() + 1, format!("the loss is {}", sums.loss()));
        if self.best.is_none() {
            return Err(Error::TrainingDiverged { epoch: epoch as usize, reason });
        }
        self.diverged = Some(Divergence { epoch, reason });
        Ok(Progress::Finished)
    }

    fn close_epoch(&mut self, sums: &Sums) -> EpochRow {
        let epoch = self.epochs_done() + 1;
        let head = self.learner.head();
        let validation = self.validate(&head);
        let row = EpochRow {
            phase: Phase::Head,
            epoch,
            train_loss: sums.loss(),
            train_accuracy: sums.accuracy(),
            validation_loss: validation.as_ref().map(|metrics| metrics.loss),
            validation_accuracy: validation.as_ref().map(|metrics| metrics.accuracy),
        };
        if self.is_better(&validation) {
            self.best = Some(Best { epoch, head, validation });
        }
        self.rows.push(row.clone());
        row
    }

    /// Whether a head is to be kept: the solver's nearer to the optimum always, AdamW's where it validates better.
    fn is_better(&self, validation: &Option<Metrics>) -> bool {
        let loss = |metrics: &Option<Metrics>| metrics.as_ref().map(|m| m.loss);
        match (&self.learner, &self.best) {
            (_, None) => true,
            (Learner::Descent(_), Some(best)) => {
                loss(validation) < loss(&best.validation) || validation.is_none()
            }
            _ => true,
        }
    }

    /// Goes on with the best rival once the solver's strength is chosen, if that is clearly better in cross-validation.
    fn choose(&mut self) {
        let Some(solved) = self.learner.held_out() else { return };
        let mut best = None;
        let mut least = f64::INFINITY;
        for rival in std::mem::take(&mut self.rivals) {
            let Some(own) = rival.held_out() else { continue };
            if own.loss() < least && own.is_clearly_better_than(solved) {
                (least, best) = (own.loss(), Some(rival));
            }
        }
        let Some(rival) = best else { return };
        self.standardisation = Standardisation::unit(self.standardisation.mean.len());
        self.validation.keep_standardised(&self.standardisation);
        self.learner = rival;
    }

    fn validate(&self, head: &Head) -> Option<Metrics> {
        if self.validation.is_empty() {
            return None;
        }
        let mut probabilities = Vec::with_capacity(self.validation.len() * self.labels.len());
        let indices: Vec<usize> = (0..self.validation.len()).collect();
        for batch in indices.chunks(VALIDATION_BATCH) {
            probabilities
                .extend(head.probabilities(&self.validation.standardised(batch, &self.standardisation)));
        }
        Some(Metrics::new(&self.labels, &probabilities, &self.validation.classes()))
    }
}

#[cfg(test)]
mod tests;
