//! A tensor as it is stored in a file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// Type, shape and bytes, row by row; the bytes are the file's own wherever they lie so in it.
#[derive(Debug)]
pub struct Stored<'a> {
    /// Type of a number.
    pub dtype: Dtype,
    /// Sizes, the outermost first.
    pub shape: Vec<usize>,
    /// As many bytes as type and shape say, little-endian.
    pub data: Cow<'a, [u8]>,
}

/// Stored tensors by their names.
pub type Views<'a> = BTreeMap<String, Stored<'a>>;

impl<'a> From<TensorView<'a>> for Stored<'a> {
    fn from(view: TensorView<'a>) -> Self {
        Self { dtype: view.dtype(), shape: view.shape().to_vec(), data: Cow::Borrowed(view.data()) }
    }
}
