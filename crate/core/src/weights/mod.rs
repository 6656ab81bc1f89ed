//! How pretrained numbers get in: the pretrained [`Spec`] and the tensors of a safetensors file.

mod spec;

pub use spec::Spec;
