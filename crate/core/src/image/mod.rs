//! From pixels to the tensors a backbone reads: [`Pixels`], [`Preprocess`], [`Augment`].

mod augment;
mod pixels;
mod preprocess;
pub mod probe;

pub use augment::{Augment, View};
pub use pixels::Pixels;
pub use preprocess::Preprocess;
