//! From pixels to the numbers a backbone reads: [`probe`] judges a file, [`Pixels`] is a decoded image, [`Preprocess`]
//! makes its evaluation crop and [`Augment`] its random views.

mod augment;
mod colour;
mod erasing;
mod pixels;
mod preprocess;
pub mod probe;
mod random_crop;
mod resample;
mod rotation;

pub use augment::{Augment, View};
pub use pixels::{MAX_PIXELS, Pixels};
pub use preprocess::Preprocess;
