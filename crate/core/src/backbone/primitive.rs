//! What burn's CPU backend computes with, for layers whose gradient is written out.

use burn::backend::{BackendTypes, Flex};
use burn::tensor::{Shape, TensorData};

/// A tensor of the CPU backend.
pub type Primitive = <Flex as BackendTypes>::FloatTensorPrimitive;

/// The numbers of a contiguous tensor, row by row.
pub fn numbers(tensor: &Primitive) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

/// A tensor of these numbers.
pub fn primitive(numbers: Vec<f32>, shape: &Shape) -> Primitive {
    Primitive::from_data(TensorData::new(numbers, shape.clone()))
}
