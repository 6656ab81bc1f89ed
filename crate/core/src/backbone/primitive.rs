//! What burn's CPU backend computes with: for layers whose gradient is written out, and to store weights without burn's
//! conversions between all types of numbers, which would be most of a build that only embeds.

use burn::backend::{BackendTypes, Flex};
use burn::tensor::{Shape, Tensor, TensorData};

use crate::error::{Error, Result};

/// A tensor of the CPU backend.
pub type Primitive = <Flex as BackendTypes>::FloatTensorPrimitive;

/// The numbers of a contiguous tensor, row by row.
#[cfg(feature = "tune")]
pub fn numbers(tensor: &Primitive) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

/// A tensor of these numbers.
pub fn primitive(numbers: Vec<f32>, shape: &Shape) -> Primitive {
    Primitive::from_data(TensorData::new(numbers, shape.clone()))
}

/// A tensor on the CPU device, row by row.
pub fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(primitive(numbers, &Shape::new(shape)))
}

/// The numbers of a tensor that [`tensor`] made.
///
/// # Errors
/// `INTERNAL` for any other.
pub fn stored<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let other = || Error::Internal { reason: "these are no stored weights".into() };
    let primitive = tensor.try_into_primitive::<Flex>().map_err(|_| other())?;
    primitive.as_slice().map(<[f32]>::to_vec).ok_or_else(other)
}
