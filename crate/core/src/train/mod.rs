//! Training a head on cached features: [`TrainOptions`] in, a [`Run`] pulled step by step, a [`Report`] out.

mod adamw;
mod linear;
mod network;
mod options;
mod report;
mod run;
mod targets;
mod views;

pub use options::{ClassWeights, Strategy, TrainOptions};
pub use report::{EpochRow, Report};
pub use run::{Outcome, Progress, Run};
use targets::Targets;
pub use views::{LabelledView, Standardisation, Views};
