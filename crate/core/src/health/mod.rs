//! What is wrong with the examples, and what to do: each [`Finding`] names the examples to look at.
//!
//! `images` reads numbers, groups and what the pixels tell; a [`Checkup`] trains on parts of the examples to judge the
//! others, step by step.

mod checkup;
mod finding;
mod images;
mod likeness;

pub use checkup::{Checkup, CurvePoint, Health};
pub use finding::{Finding, Kind};
pub(crate) use images::of_images;
pub(crate) use likeness::alike_across_split;
