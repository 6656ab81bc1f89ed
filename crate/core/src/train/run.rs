//! One training, pulled step by step by the caller: pausing is not asking, cancelling is dropping.

use super::crossing::Crossing;
use super::descent::Descent;
use super::neighbours::Neighbours;
use super::prototypes::Prototypes;
use super::solve::Solve;
use super::{
    Divergence, EpochRow, HeldOut, Phase, Solver, Standardisation, Strategy, Sums, TrainOptions, Views,
};
use crate::error::{Error, Result};
use crate::evaluate::{Metrics, Temperature};
use crate::head::{Head, softmax};

/// Views that are judged at once.
const VALIDATION_BATCH: usize = 256;

/// Held-out examples that a temperature is fitted on, and that say how good a head is without a cross-validation.
const ENOUGH: usize = 10;

/// What a call of [`Run::step`] did.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// One step; the epoch goes on.
    Step,
    /// The last step of an epoch.
    Epoch(EpochRow),
    /// Nothing: all epochs are done or there was no better one for `patience` epochs, and what is cross-validated is; or the run
    /// diverged after a good epoch.
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
    /// Of a head that is trained by batches, after its last epoch.
    crossing: Option<Crossing>,
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

    /// What its head's scores are divided by already, since it fits them itself.
    fn temperature(&self) -> Option<f32> {
        match self {
            Self::Descent(_) => None,
            Self::Solve(solve) => Some(solve.choice().map_or(1.0, |choice| choice.temperature)),
            Self::Prototypes(prototypes) => Some(prototypes.temperature()),
            Self::Neighbours(neighbours) => Some(neighbours.chosen().temperature),
        }
    }

    /// What got out of hand in its last step.
    fn trouble(&self, sums: &Sums) -> Option<String> {
        let own = match self {
            Self::Descent(descent) => descent.trouble().map(str::to_owned),
            _ => None,
        };
        own.or_else(|| (!sums.loss().is_finite()).then(|| format!("the loss is {}", sums.loss())))
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
        let crossing = (options.used_solver().is_stepwise() && validation.len() < ENOUGH)
            .then(|| Crossing::new(&train, classes, &options, seed))
            .flatten();
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
        let standardisation = by;
        Self {
            options,
            labels,
            validation,
            standardisation,
            learner,
            rivals,
            crossing,
            rows,
            best,
            diverged: None,
        }
    }

    /// Begins with a head on features that are not standardised instead of one that knows nothing, where it has as many hidden
    /// units as the one that is trained.
    pub fn start_from(&mut self, head: &Head) {
        let views = match &self.learner {
            Learner::Descent(descent) => descent.views(),
            Learner::Solve(solve) => solve.views(),
            Learner::Prototypes(_) | Learner::Neighbours(_) => return,
        };
        let by = &self.standardisation;
        let factor = by.factor_from(head.unit(), views);
        let (hidden, output) = head.layers();
        let first = hidden.unwrap_or(output);
        let columns = first.columns().into_iter().map(|weight| weight * factor).collect();
        let first = by.layer(columns, first.biases());
        match &mut self.learner {
            Learner::Solve(solve) if hidden.is_none() => solve.start_from(&first),
            Learner::Descent(descent) if hidden.is_none() => descent.start_from(Head::linear(first)),
            Learner::Descent(descent) => {
                descent.start_from(Head::linear(output.clone()).with_hidden(first));
            }
            _ => {}
        }
    }

    /// Number of epochs that are done.
    pub fn epochs_done(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Takes one step.
    ///
    /// # Errors
    /// `TRAINING_DIVERGED` where loss or gradients are not finite, or every gradient is zero, before one epoch is done; later the
    /// run ends at its best epoch.
    pub fn step(&mut self) -> Result<Progress> {
        if self.finished() {
            return Ok(self.cross());
        }
        let sums = match &mut self.learner {
            Learner::Descent(descent) => descent.step(),
            Learner::Solve(solve) => solve.step(),
            Learner::Prototypes(prototypes) => Some(prototypes.step()),
            Learner::Neighbours(neighbours) => neighbours.step(),
        };
        self.choose();
        match sums {
            Some(sums) => match self.learner.trouble(&sums) {
                Some(reason) => self.diverge(reason),
                None => Ok(Progress::Epoch(self.close_epoch(&sums))),
            },
            None => Ok(Progress::Step),
        }
    }

    /// Takes a step of the cross-validation that follows the last epoch, where there is one.
    fn cross(&mut self) -> Progress {
        match &mut self.crossing {
            Some(crossing) if !crossing.ended() && self.diverged.is_none() => {
                crossing.step();
                Progress::Step
            }
            _ => Progress::Finished,
        }
    }

    /// The best head and how it came about, once no step is left; before, what there is so far.
    ///
    /// # Errors
    /// `NOT_TRAINED` where not one epoch is done.
    pub fn finish(mut self) -> Result<Outcome> {
        let mut best = self.best.take().ok_or(Error::NotTrained)?;
        let crossed = self.crossing.as_ref().and_then(Crossing::held_out);
        let temperature = match self.learner.temperature() {
            Some(temperature) => temperature,
            None => self.cool(&mut best, crossed.as_ref().map(|(_, temperature)| *temperature)),
        };
        let by = &self.standardisation;
        let (strength, neighbours) = match &self.learner {
            Learner::Solve(solve) => (solve.choice().map(|choice| choice.strength), None),
            Learner::Neighbours(neighbours) => (None, Some(neighbours.chosen().nearest)),
            Learner::Descent(_) | Learner::Prototypes(_) => (None, None),
        };
        let crossed = crossed.as_ref().map(|(held_out, _)| held_out);
        let judged = self.learner.held_out().or(crossed).filter(|held_out| !held_out.truth.is_empty());
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
            temperature,
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
    fn diverge(&mut self, reason: String) -> Result<Progress> {
        let divergence = Divergence::new(Phase::Head, self.epochs_done() + 1, reason);
        if self.best.is_none() {
            return Err(divergence.error());
        }
        self.diverged = Some(divergence);
        Ok(Progress::Finished)
    }

    /// Divides the scores of a head that was trained by batches by the temperature that fits the validation examples or, where
    /// those are few, the given one of the cross-validation; 1 where there is neither.
    fn cool(&self, best: &mut Best, crossed: Option<f32>) -> f32 {
        let scores = self.scores(&best.head);
        let (truth, classes) = (self.validation.classes(), self.labels.len());
        let temperature = match crossed {
            _ if truth.len() >= ENOUGH => Temperature::fit(&scores, &truth, classes).value,
            Some(temperature) => temperature,
            None => return 1.0,
        };
        best.head = best.head.clone().cooled(temperature);
        best.validation = self.judged(scores, temperature);
        temperature
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
        self.judged(self.scores(head), 1.0)
    }

    /// The scores of the validation views, before the softmax.
    fn scores(&self, head: &Head) -> Vec<f32> {
        let indices: Vec<usize> = (0..self.validation.len()).collect();
        let rows = |batch| self.validation.standardised(batch, &self.standardisation);
        indices.chunks(VALIDATION_BATCH).flat_map(|batch| head.scores(&rows(batch))).collect()
    }

    /// What scores of the validation views are worth at a temperature.
    fn judged(&self, mut scores: Vec<f32>, temperature: f32) -> Option<Metrics> {
        if self.validation.is_empty() {
            return None;
        }
        scores.chunks_exact_mut(self.labels.len().max(1)).for_each(|row| softmax(row, temperature));
        Some(Metrics::new(&self.labels, &scores, &self.validation.classes()))
    }
}

#[cfg(test)]
mod tests;
