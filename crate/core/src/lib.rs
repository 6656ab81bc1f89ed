//! Rekindle trains an image classifier on a person's own images: a pretrained backbone is loaded and frozen, every
//! augmented view of an image goes through it once, and a new head is trained on the cached features.
//!
//! image -> [`image::Pixels`] -> view -> [`Embedder`] -> features -> [`train`] -> [`head`] -> predictions.

pub mod backbone;
pub mod dataset;
mod dense;
pub mod device;
pub mod embedder;
pub mod error;
pub mod evaluate;
pub mod export;
#[cfg(feature = "tune")]
pub mod fine_tuner;
pub mod head;
pub mod health;
pub mod image;
pub mod model;
pub mod prefix;
pub mod project;
mod rank;
pub mod seed;
pub mod train;
mod transpose;
pub mod tuner;
pub mod tuning_start;
pub mod weights;

pub(crate) use rekindle_kernel as kernel;

pub use device::{Device, DeviceInfo};
pub use embedder::Embedder;
pub use error::{Error, Result};
#[cfg(feature = "tune")]
pub use fine_tuner::FineTuner;
pub use image::{Augment, Pixels, View};
pub use tuner::Tuner;
pub use weights::Spec;
