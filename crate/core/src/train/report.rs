//! What a training did, as data.

use super::TrainOptions;
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
    /// Whether the tuned stages were kept: not where they validate worse than the head alone, which then is what is left.
    pub kept: bool,
    /// The head alone on the validation examples, where there are any.
    pub head_validation: Option<Metrics>,
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

/// Where a training stopped because it got out of hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Divergence {
    /// Number of the epoch in its phase, from 1.
    pub epoch: u32,
    /// What was seen.
    pub reason: String,
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
    /// plain view. What was chosen by it (strength, neighbours, temperature) makes it a little too kind. None where nothing was chosen
    /// by cross-validation, and in files of earlier versions.
    #[serde(default)]
    pub cross_validation: Option<Metrics>,
    /// The inverse regularisation strength that cross-validation chose, scikit-learn's `C` with one sample an example; none
    /// where the solver has none, and in files of earlier versions.
    #[serde(default)]
    pub strength: Option<f64>,
    /// How many examples of each class vote, where the head is of nearest neighbours; none in files of earlier versions.
    #[serde(default)]
    pub neighbours: Option<usize>,
    /// What the kept head's scores were divided by, so that its probabilities fit the predictions of cross-validation; 1
    /// where it was not fitted.
    #[serde(default = "one")]
    pub temperature: f32,
    /// Where losses or gradients stopped being finite after an epoch that was good: the best one before is kept. None where
    /// they did not, and in files of earlier versions.
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

fn one() -> f32 {
    1.0
}
