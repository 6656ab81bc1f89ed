//! Training a head on cached features: [`TrainOptions`] in, a [`Run`] pulled step by step, a [`Report`] out; and stages of
//! the backbone with it, by a [`tune::Tuning`].

mod adamw;
mod descent;
mod lbfgs;
mod linear;
mod network;
mod objective;
mod options;
mod report;
mod run;
mod samples;
mod solve;
mod strength;
mod sums;
mod targets;
pub mod tune;
mod views;

pub use options::{ClassWeights, Solver, Strategy, TrainOptions};
pub use report::{EpochRow, Phase, Report, TuningReport};
pub use run::{Outcome, Progress, Run};
pub use strength::{HeldOut, cross_validate};
use sums::Sums;
use targets::Targets;
pub use views::{LabelledView, Standardisation, Views};
