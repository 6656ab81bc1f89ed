//! One training, pulled step by step by the caller: pausing is not asking, cancelling is dropping.

use super::linear::Linear;
use super::network::Network;
use super::{EpochRow, Standardisation, Targets, TrainOptions, Views};
use crate::error::{Error, Result};
use crate::evaluate::Metrics;
use crate::head::Head;
use crate::seed;
use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::PI;

/// Views that are judged at once.
const VALIDATION_BATCH: usize = 256;

/// What a call of [`Run::step`] did.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// One step; the epoch goes on.
    Step,
    /// The last step of an epoch.
    Epoch(EpochRow),
    /// Nothing: all epochs are done, or there was no better one for `patience` epochs.
    Finished,
}

/// A training in work. It owns all it reads, so the project may change meanwhile.
pub struct Run {
    options: TrainOptions,
    labels: Vec<String>,
    train: Views,
    validation: Views,
    targets: Targets,
    standardisation: Standardisation,
    rng: ChaCha8Rng,
    learner: Learner,
    order: Vec<usize>,
    steps: usize,
    sums: Sums,
    rows: Vec<EpochRow>,
    best: Option<Best>,
}

/// The head in training.
enum Learner {
    Linear(Linear),
    Network(Box<Network>),
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
}

impl Run {
    /// Begins a training on views of the classes `labels`, of which none may be empty.
    pub fn new(
        options: TrainOptions,
        labels: Vec<String>,
        mut train: Views,
        mut validation: Views,
        project_seed: u32,
    ) -> Self {
        let standardisation = Standardisation::of(&train);
        train.keep_standardised(&standardisation);
        validation.keep_standardised(&standardisation);
        let mut rng = ChaCha8Rng::seed_from_u64(seed::mix(project_seed, 0, seed::TRAINING).into());
        let learner = match options.hidden {
            0 => Learner::Linear(Linear::new(train.length(), labels.len(), options.weight_decay)),
            _ => Learner::Network(Box::new(Network::new(train.length(), labels.len(), &options, &mut rng))),
        };
        Self {
            targets: Targets::new(&options, labels.len(), &train.classes()),
            standardisation,
            order: (0..train.len()).collect(),
            steps: 0,
            sums: Sums::default(),
            rows: Vec::new(),
            best: None,
            options,
            labels,
            train,
            validation,
            rng,
            learner,
        }
    }

    /// Number of epochs that are done.
    pub fn epochs_done(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Takes one step.
    ///
    /// # Errors
    /// `TRAINING_DIVERGED` where the loss is no longer finite; the run cannot go on.
    pub fn step(&mut self) -> Result<Progress> {
        if self.finished() {
            return Ok(Progress::Finished);
        }
        let (size, per_epoch) = (self.options.batch_size as usize, self.steps_per_epoch());
        let place = self.steps % per_epoch;
        if place == 0 {
            self.order.shuffle(&mut self.rng);
            self.sums = Sums::default();
        }
        let batch: Vec<usize> = self.order.iter().skip(place * size).take(size).copied().collect();
        self.update(&batch)?;
        self.steps += 1;
        if !self.steps.is_multiple_of(per_epoch) {
            return Ok(Progress::Step);
        }
        self.close_epoch().map(Progress::Epoch)
    }

    /// The best head and how it came about, once no step is left; before, what there is so far.
    ///
    /// # Errors
    /// `NOT_TRAINED` where not one epoch is done.
    pub fn finish(self) -> Result<Outcome> {
        let best = self.best.ok_or(Error::NotTrained)?;
        Ok(Outcome {
            head: best.head.fold_standardisation(&self.standardisation.mean, &self.standardisation.scale),
            best_epoch: best.epoch,
            stopped_early: self.rows.len() < self.options.epochs as usize,
            validation: best.validation,
            rows: self.rows,
        })
    }

    fn finished(&self) -> bool {
        let done = self.epochs_done();
        let waited = self.best.as_ref().map_or(0, |best| done - best.epoch);
        done >= self.options.epochs || (self.options.patience > 0 && waited >= self.options.patience)
    }

    fn steps_per_epoch(&self) -> usize {
        self.train.len().div_ceil(self.options.batch_size as usize).max(1)
    }

    /// One step of AdamW on a batch.
    fn update(&mut self, batch: &[usize]) -> Result<()> {
        let classes: Vec<usize> = batch.iter().map(|index| self.train.class(*index)).collect();
        let (rate, length) = (self.learning_rate(), self.train.length());
        let (value, scores) = match &mut self.learner {
            Learner::Linear(linear) => {
                let mut rows = self.train.standardised_rows(batch, &self.standardisation);
                let values = rows.values_mut();
                if let Some(factors) = dropout(&self.options, values.len(), &mut self.rng) {
                    values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
                }
                linear.step(&rows, &self.targets, &classes, rate)
            }
            Learner::Network(network) => {
                let device = network.device();
                let tensor = |values, width| {
                    Tensor::from_data(TensorData::new(values, [classes.len(), width]), &device)
                };
                let rows = tensor(self.train.standardised(batch, &self.standardisation), length);
                let width = self.options.hidden as usize;
                let factors = dropout(&self.options, classes.len() * width, &mut self.rng)
                    .map(|factors| tensor(factors, width));
                network.step(rows, factors, &self.targets, &classes, rate)?
            }
        };
        if !value.is_finite() {
            return Err(Error::TrainingDiverged {
                epoch: self.rows.len() + 1,
                reason: format!("the loss is {value}"),
            });
        }
        self.sums.add(value, &scores, &classes);
        Ok(())
    }

    /// A cosine from the full rate to zero over all steps (Loshchilov and Hutter 2017, without restarts).
    fn learning_rate(&self) -> f64 {
        let total = (self.steps_per_epoch() * self.options.epochs as usize) as f64;
        self.options.learning_rate * 0.5 * (1.0 + (PI * self.steps as f64 / total).cos())
    }

    fn close_epoch(&mut self) -> Result<EpochRow> {
        let head = match &self.learner {
            Learner::Linear(linear) => linear.head(&Device::flex())?,
            Learner::Network(network) => network.head(),
        };
        let validation = self.validate(&head)?;
        let row = EpochRow {
            epoch: self.epochs_done() + 1,
            train_loss: self.sums.loss(),
            train_accuracy: self.sums.accuracy(),
            validation_loss: validation.as_ref().map(|metrics| metrics.loss),
            validation_accuracy: validation.as_ref().map(|metrics| metrics.accuracy),
        };
        let loss = |metrics: &Option<Metrics>| metrics.as_ref().map(|m| m.loss);
        let better = match &self.best {
            Some(best) => loss(&validation) < loss(&best.validation) || validation.is_none(),
            None => true,
        };
        if better {
            self.best = Some(Best { epoch: row.epoch, head, validation });
        }
        self.rows.push(row.clone());
        Ok(row)
    }

    fn validate(&self, head: &Head) -> Result<Option<Metrics>> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let device = head.device();
        let mut probabilities = Vec::with_capacity(self.validation.len() * self.labels.len());
        let indices: Vec<usize> = (0..self.validation.len()).collect();
        for batch in indices.chunks(VALIDATION_BATCH) {
            let rows = self.validation.standardised(batch, &self.standardisation);
            let rows = TensorData::new(rows, [batch.len(), self.validation.length()]);
            probabilities.extend(head.probabilities(Tensor::from_data(rows, &device))?);
        }
        Ok(Some(Metrics::new(&self.labels, &probabilities, &self.validation.classes())))
    }
}

/// Factors of the output layer's inputs: zero for what a step leaves out, `1 / (1 - dropout)` for the rest; nothing where
/// nothing is left out.
fn dropout(options: &TrainOptions, count: usize, rng: &mut impl Rng) -> Option<Vec<f32>> {
    let rate = options.dropout as f32;
    let mut factor = || if rng.random::<f32>() < rate { 0.0 } else { 1.0 / (1.0 - rate) };
    (rate > 0.0).then(|| (0..count).map(|_| factor()).collect())
}

/// Sums over the steps of an epoch.
#[derive(Default)]
struct Sums {
    views: usize,
    correct: usize,
    loss: f64,
}

impl Sums {
    fn add(&mut self, loss: f64, scores: &[f32], truth: &[usize]) {
        let classes = scores.len() / truth.len().max(1);
        let rows = scores.chunks_exact(classes.max(1));
        self.views += truth.len();
        self.loss += loss * truth.len() as f64;
        self.correct +=
            rows.zip(truth).filter(|(row, class)| crate::evaluate::argmax(row) == **class).count();
    }

    fn loss(&self) -> f64 {
        self.loss / self.views.max(1) as f64
    }

    fn accuracy(&self) -> f64 {
        self.correct as f64 / self.views.max(1) as f64
    }
}

#[cfg(test)]
mod tests;
