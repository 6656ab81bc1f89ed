//! What a [`Tuner`](crate::Tuner) hands to a fine-tuning, which may be in another build.

use serde::{Deserialize, Serialize};

use crate::project::Project;
use crate::train::tune::Sample;

/// What a fine-tuning goes on from.
#[derive(Debug)]
pub struct Start {
    /// The project with the head that was trained alone, on the pretrained embedding.
    pub project: Project,
    /// What it reads.
    pub samples: Samples,
}

/// The views that a fine-tuning reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Samples {
    /// Views to learn from.
    pub train: Vec<Sample>,
    /// Views to judge by.
    pub validation: Vec<Sample>,
}
