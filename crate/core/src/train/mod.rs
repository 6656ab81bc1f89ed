//! Training a head on cached features: [`TrainOptions`] in, a [`Run`] pulled step by step, a [`Report`] out.

mod options;
mod report;
mod run;
mod views;

pub use options::{ClassWeights, Strategy, TrainOptions};
pub use report::{EpochRow, Report};
pub use run::{Outcome, Progress, Run};
pub use views::{LabelledView, Standardisation, Views};
