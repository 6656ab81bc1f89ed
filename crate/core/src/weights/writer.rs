//! Safetensors files as they are written.

use std::collections::{BTreeMap, HashMap};

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::error::{Error, Result};

/// A tensor to be written.
#[derive(Debug)]
pub struct Written {
    /// Its name in the file.
    pub name: String,
    /// Type of a number.
    pub dtype: Dtype,
    /// Sizes, the outermost first.
    pub shape: Vec<usize>,
    /// As many bytes as type and shape say, little-endian.
    pub bytes: Vec<u8>,
}

impl Written {
    /// A tensor of f32.
    pub fn floats(name: String, shape: Vec<usize>, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F32, shape, bytes }
    }
}

/// Tensors by their names, as [`checksum`](super::checksum) and [`write`] take them.
pub type Views<'a> = BTreeMap<String, TensorView<'a>>;

/// Adds tensors.
///
/// # Errors
/// `INTERNAL` where type, shape and bytes of one do not fit together.
pub fn add<'a>(views: &mut Views<'a>, tensors: &'a [Written]) -> Result<()> {
    for Written { name, dtype, shape, bytes } in tensors {
        views.insert(name.clone(), TensorView::new(*dtype, shape.clone(), bytes).map_err(internal)?);
    }
    Ok(())
}

/// The bytes of a file.
///
/// # Errors
/// `INTERNAL` where it cannot be put together.
pub fn write(views: Views<'_>, metadata: Option<HashMap<String, String>>) -> Result<Vec<u8>> {
    safetensors::serialize(views, metadata).map_err(internal)
}

fn internal(reason: impl ToString) -> Error {
    Error::Internal { reason: reason.to_string() }
}
