//! What a training did, as data.

use super::TrainOptions;
use crate::error::Error;
use crate::evaluate::Metrics;
use serde::{Deserialize, Serialize};

/// What is trained in an epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The head alone, on the frozen backbone.
    #[default]
    Head,
    /// Stages of the backbone and the head.
    Tune,
}

/// What came of fine-tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TuningReport {
    /// The stage where training began.
    pub cut: usize,
    /// Whether the tuned stages were kept; if not, the head alone is what is left.
    pub kept: bool,
    /// Why. None in files of earlier versions.
    #[serde(default)]
    pub reason: Option<TuningReason>,
    /// The head alone on the validation examples, where there are any.
    pub head_validation: Option<Metrics>,
}

/// Why tuned stages were kept or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TuningReason {
    /// Stages and head validate better than the head alone: kept.
    Better,
    /// They do not: not kept.
    NotBetter,
    /// There are no validation examples. With `validation: 0`, which asks for none, the last epoch is kept; where none could be
    /// held out, no stage is trained, since nothing would tell whether that does harm.
    NotCompared,
    /// It got out of hand before one epoch was done: not kept.
    Diverged,
}

/// Losses and accuracies after one epoch, which is one iteration where the solver takes all views at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochRow {
    /// What is trained in it.
    #[serde(default)]
    pub phase: Phase,
    /// Number of the epoch in its phase, from 1.
    pub epoch: u32,
    /// Mean loss of the epoch's steps: smoothed, weighted, with dropout.
    pub train_loss: f64,
    /// Share of the views that the steps classified correctly.
    pub train_accuracy: f64,
    /// Mean cross-entropy on the validation examples, where there are any.
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation examples, where there are any.
    pub validation_accuracy: Option<f64>,
}

/// A gradient is told to be all zero only where the loss leaves something to learn.
const LEARNT: f64 = 1e-4;

/// Where a training stopped because it got out of hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Divergence {
    /// That of the error which is thrown where nothing good is left to keep: `TRAINING_DIVERGED`.
    #[serde(default = "code")]
    pub code: String,
    /// What was trained.
    #[serde(default)]
    pub phase: Phase,
    /// Number of the epoch in its phase, from 1.
    pub epoch: u32,
    /// What was seen.
    pub reason: String,
}

impl Divergence {
    /// In an epoch of a phase, for a reason.
    pub fn new(phase: Phase, epoch: u32, reason: String) -> Self {
        Self { code: code(), phase, epoch, reason }
    }

    /// The error, where nothing good is left to keep.
    pub fn error(self) -> Error {
        Error::TrainingDiverged { epoch: self.epoch as usize, reason: self.reason }
    }
}

/// What is wrong with the loss of a step or the norm of its gradients, if anything is.
pub(super) fn trouble(loss: f64, norm: f64) -> Option<String> {
    match (loss, norm) {
        (loss, _) if !loss.is_finite() => Some(format!("the loss is {loss}")),
        (_, norm) if !norm.is_finite() => Some(format!("the gradients' norm is {norm}")),
        (loss, norm) if norm == 0.0 && loss > LEARNT => Some("every gradient is zero".into()),
        _ => None,
    }
}

/// What a training did. The same seed, data and device give the same report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// One row an epoch.
    pub epochs: Vec<EpochRow>,
    /// The epoch that was kept, from 1, of the phase that it was kept from.
    pub best_epoch: u32,
    /// Whether the run stopped before its last epoch.
    pub stopped_early: bool,
    /// Examples that were trained on.
    pub train_examples: usize,
    /// Examples that were held out.
    pub validation_examples: usize,
    /// The kept head on the validation examples, where there are any.
    pub validation: Option<Metrics>,
    /// The examples that were trained on, each judged by a head that was trained on the others: five folds, in the
    /// plain view. What was chosen by it (strength, neighbours, temperature) makes it a little too kind. Heads that are trained
    /// by batches are cross-validated only where fewer than ten examples are held out, and at most 100 are trained on. None
    /// elsewhere, where tuned stages were kept, which it does not judge, and in files of earlier versions.
    #[serde(default)]
    pub cross_validation: Option<Metrics>,
    /// The inverse regularisation strength that cross-validation chose, scikit-learn's `C` with one sample an example; none
    /// where the solver has none, and in files of earlier versions.
    #[serde(default)]
    pub strength: Option<f64>,
    /// How many examples of each class vote, where the head is of nearest neighbours; none in files of earlier versions.
    #[serde(default)]
    pub neighbours: Option<usize>,
    /// What the kept head's scores were divided by, so that its probabilities fit the predictions of cross-validation or, of a
    /// head that is trained by batches, those on the validation examples where there are ten; of tuned stages, those on the
    /// validation examples. 1 where it was not fitted.
    #[serde(default = "one")]
    pub temperature: f32,
    /// Where losses or gradients stopped being finite, or every gradient was zero: the best epoch before is kept, or the head
    /// alone where stages were tuned. None where they did not, and in files of earlier versions.
    #[serde(default)]
    pub diverged: Option<Divergence>,
    /// What came of fine-tuning, where stages were trained.
    #[serde(default)]
    pub tuning: Option<TuningReport>,
    /// The options that were used, defaults filled in.
    pub options: TrainOptions,
    /// Seed of the project.
    pub seed: u32,
}

fn code() -> String {
    Error::TrainingDiverged { epoch: 0, reason: String::new() }.code().into()
}

fn one() -> f32 {
    1.0
}
