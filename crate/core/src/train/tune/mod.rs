//! Fine-tuning: the stages from a cut on are trained with the head, on the features at the cut. [`Tuning`] is pulled step
//! by step and says which features it wants; the caller computes what is not cached.

mod classifier;
mod layers;
pub(in crate::train) mod mixup;
pub(in crate::train) mod optimizer;
mod options;
mod samples;
mod schedule;
mod tuning;

pub use options::{Cut, Optimizer, Schedule, TuneOptions};
pub use samples::{Pending, Sample, Store};
pub use tuning::{Alone, Tuned, Tuning};
