//! Training a head on cached features: [`TrainOptions`] in, a [`Run`] pulled step by step, a [`Report`] out; and stages of
//! the backbone with it, by a [`tune::Tuning`].

mod adamw;
mod cross_validation;
mod descent;
mod lbfgs;
mod linear;
mod live;
mod network;
mod objective;
mod options;
mod prior;
mod prototypes;
mod report;
mod rule;
mod run;
mod samples;
mod solve;
mod strength;
mod sums;
mod targets;
pub mod tune;
mod views;

pub use cross_validation::CrossValidation;
pub(crate) use live::{Start, resolve};
pub use options::{ClassWeights, Solver, Strategy, TrainOptions};
pub use prior::weight_variances;
pub use report::{Divergence, EpochRow, Phase, Report, TuningReport};
pub use run::{Outcome, Progress, Run};
pub use strength::HeldOut;
use sums::Sums;
use targets::Targets;
pub use views::{LabelledView, Standardisation, Views};
