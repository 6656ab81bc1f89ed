//! Fine-tuning: the stages from a cut on are trained with the head, on the features at the cut. [`Tuning`] is pulled step
//! by step and says which features it wants; the caller computes what is not cached.

#[cfg(feature = "tune")]
pub(in crate::train) mod classifier;
#[cfg(feature = "tune")]
mod layers;
pub(in crate::train) mod mixup;
#[cfg(feature = "tune")]
mod optimizer;
mod options;
mod samples;
mod schedule;
#[cfg(feature = "tune")]
mod tuning;

pub use options::{Cut, Optimizer, Schedule, TuneOptions};
pub use samples::{Pending, Sample, Store};
#[cfg(feature = "tune")]
pub use tuning::{Alone, Outcome, Tuned, Tuning};
