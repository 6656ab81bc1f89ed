//! From pixels to the numbers a backbone reads: [`probe`] judges a file, [`Pixels`] is a decoded image, [`Preprocess`]
//! makes its evaluation crop, [`Augment`] its random views, and [`Traits`] says what it is like.

mod augment;
mod colour;
mod erasing;
mod pixels;
mod preprocess;
pub mod probe;
mod random_crop;
mod resample;
mod rotation;
mod traits;

pub use augment::{Augment, View};
pub use pixels::{MAX_PIXELS, Pixels};
pub use preprocess::{Preprocess, Region};
pub use traits::Traits;
