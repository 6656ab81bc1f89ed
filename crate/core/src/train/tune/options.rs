//! What a caller can choose about fine-tuning, with the defaults and the ranges.

use crate::error::{Error, Result};
use crate::train::options::{real, whole};
use serde::{Deserialize, Serialize};

/// How gradients become steps. Weight decay does not touch biases and norms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    Adamw,
    /// Adam (Kingma and Ba 2015), weight decay as L2 on the loss.
    Adam,
    /// Gradient descent with momentum, weight decay as L2 on the loss.
    Sgd,
}

/// How the learning rate goes over all steps, after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// Half a cosine to zero (Loshchilov and Hutter 2017).
    Cosine,
    /// A straight line to zero.
    Linear,
    /// A tenth of it after each third of the steps.
    Step,
    /// By cosines from a 25th up in three tenths of the steps, and down to a 250,000th (Smith 2018, with PyTorch's numbers);
    /// it warms up by itself.
    Onecycle,
}

/// The stage where training begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "neither a number nor a name, expected a stage's number or name")]
pub enum Cut {
    /// By its number, from 0.
    Stage(u32),
    /// By its name, as [`Backbone::stage_names`](crate::backbone::Backbone::stage_names).
    Name(String),
}

/// What a caller can choose about fine-tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TuneOptions {
    /// How many of the last stages are trained, from 0 (the head alone, by this optimiser) to all of them.
    pub last_stages: u32,
    /// The stage where training begins, by its number from 0 or its name; instead of `last_stages`.
    pub cut: Option<Cut>,
    /// Times that every view is trained on, 1 to 1000.
    pub epochs: u32,
    /// Peak of the head's learning rate, above 0 to 1.
    pub learning_rate: f64,
    /// What the last stage's learning rate is of the head's, above 0 to 1.
    pub backbone_rate: f64,
    /// What each stage's learning rate is of the next one's, above 0 to 1 (Howard and Ruder 2018).
    pub stage_decay: f64,
    /// How gradients become steps.
    pub optimizer: Optimizer,
    /// Momentum of `sgd`, 0 to below 1.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// Most that the norm of all gradients may be, else they are scaled down to it; 0 never does. 0 to 1000.
    pub clip: f64,
    /// How the learning rate goes.
    pub schedule: Schedule,
    /// Part of the steps in which the rate rises from zero in a straight line, 0 to 0.5.
    pub warmup: f64,
    /// Parameter of the Beta distribution that pairs of views are mixed by, 0 to 1; 0 mixes none. The images are mixed (Zhang et
    /// al. 2018), so that every batch goes through all stages: the images are kept instead of the features at the cut.
    pub mixup: f64,
    /// Megabytes of features at the cut that are kept, or of images where they are mixed; past it they are computed anew each
    /// epoch. 0 to 4096.
    pub cache_mb: u32,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self {
            last_stages: 2,
            cut: None,
            epochs: 10,
            learning_rate: 1e-3,
            backbone_rate: 0.1,
            stage_decay: 0.7,
            optimizer: Optimizer::Adamw,
            momentum: 0.9,
            nesterov: true,
            clip: 1.0,
            schedule: Schedule::Cosine,
            warmup: 0.1,
            mixup: 0.0,
            cache_mb: 256,
        }
    }
}

impl TuneOptions {
    /// The cut in a backbone of these stages.
    ///
    /// # Errors
    /// `OPTION_INVALID` where the backbone has no such stage; it names those that there are.
    pub fn cut_of(&self, stages: &[String]) -> Result<usize> {
        let count = stages.len();
        let whole = format!("a whole number from 0 to {count}, the stages of this backbone");
        let (option, found, expected, cut) = match &self.cut {
            Some(Cut::Stage(cut)) => {
                ("tune.cut", cut.to_string(), whole, Some(*cut as usize).filter(|cut| *cut <= count))
            }
            Some(Cut::Name(name)) => {
                let known = format!("one of {}", stages.join(", "));
                ("tune.cut", name.clone(), known, stages.iter().position(|stage| stage == name))
            }
            None => {
                let last = self.last_stages;
                ("tune.lastStages", last.to_string(), whole, count.checked_sub(last as usize))
            }
        };
        cut.ok_or_else(|| Error::OptionInvalid { option: option.into(), found, expected })
    }

    /// The cut whose features are read where training begins at this one: mixed are the images.
    pub fn read_at(&self, cut: usize) -> usize {
        if self.mixup > 0.0 { 0 } else { cut }
    }

    /// Most bytes of features that are kept.
    pub fn cache_bytes(&self) -> usize {
        (self.cache_mb as usize).saturating_mul(1_000_000)
    }

    pub(in crate::train) fn validate(&self) -> Result<()> {
        whole("tune.epochs", self.epochs, 1, 1000)?;
        whole("tune.cacheMb", self.cache_mb, 0, 4096)?;
        for (option, value) in [
            ("tune.learningRate", self.learning_rate),
            ("tune.backboneRate", self.backbone_rate),
            ("tune.stageDecay", self.stage_decay),
        ] {
            real(option, value, |v| v > 0.0 && v <= 1.0, "above 0 and at most 1")?;
        }
        real("tune.momentum", self.momentum, |v| (0.0..1.0).contains(&v), "from 0 to below 1")?;
        real("tune.clip", self.clip, |v| (0.0..=1000.0).contains(&v), "from 0 to 1000")?;
        real("tune.warmup", self.warmup, |v| (0.0..=0.5).contains(&v), "from 0 to 0.5")?;
        real("tune.mixup", self.mixup, |v| (0.0..=1.0).contains(&v), "from 0 to 1")
    }
}
