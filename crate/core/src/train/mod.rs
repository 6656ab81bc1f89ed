//! Training a head on cached features: [`TrainOptions`] in, a [`Run`] pulled step by step, a [`Report`] out; and stages of
//! the backbone with it, by a [`tune::Tuning`].

mod adamw;
mod cross_validation;
mod descent;
mod held_out;
mod lbfgs;
mod live;
mod neighbours;
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
pub use held_out::HeldOut;
pub(crate) use live::{Start, resolve};
pub(crate) use neighbours::{Neighbourhood, Neighbours};
pub use options::{ClassWeights, Solver, Strategy, TrainOptions};
pub use prior::weight_variances;
pub(crate) use prototypes::Prototypes;
pub use report::{Divergence, EpochRow, Phase, Report, TuningReport};
pub use run::{Outcome, Progress, Run};
use sums::Sums;
use targets::Targets;
pub use views::{LabelledView, Standardisation, Views};
