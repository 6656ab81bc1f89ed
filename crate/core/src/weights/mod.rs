//! How pretrained numbers get in: the pretrained [`Spec`] and the [`Tensors`] of a file, safetensors or PyTorch.

mod bytes;
mod checksum;
mod closest;
mod description;
#[cfg(test)]
mod fuzz;
mod pickle;
mod pytorch;
mod quantised;
mod spec;
mod stored;
mod tensors;
mod timm;
mod writer;

pub use checksum::checksum;
pub use description::Description;
pub use quantised::{SCALE_SUFFIX, quantise};
pub use spec::{Channels, Interpolation, Precision, Spec};
pub use tensors::{CHECKSUM_KEY, CLASSES_KEY, LICENSE_KEY, SPEC_KEY, Tensors};
pub use writer::{Views, Written, add, sealed, write};
