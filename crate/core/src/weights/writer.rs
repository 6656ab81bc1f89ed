//! Safetensors files as they are written.

use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::{CHECKSUM_KEY, checksum};
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

/// Tensors by their names, as [`checksum`](super::checksum) and [`write`](fn@write) take them.
pub type Views<'a> = BTreeMap<String, TensorView<'a>>;

/// Adds tensors.
///
/// # Errors
/// `INTERNAL` where type, shape and bytes of one do not fit together.
pub fn add<'a>(views: &mut Views<'a>, tensors: &'a [Written]) -> Result<()> {
    for Written { name, dtype, shape, bytes } in tensors {
        views.insert(name.clone(), TensorView::new(*dtype, shape.clone(), bytes).map_err(Error::internal)?);
    }
    Ok(())
}

/// The bytes of a file (<https://github.com/huggingface/safetensors#format>). Unlike the safetensors package it keeps the order
/// of the metadata, so that the same model is the same file.
///
/// # Errors
/// `INTERNAL` where a name cannot be written.
pub fn write(views: &Views<'_>, metadata: &[(&str, String)]) -> Result<Vec<u8>> {
    let mut header = String::from(r#"{"__metadata__":{"#);
    for (index, (key, value)) in metadata.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        header += &format!("{comma}{}:{}", json(key)?, json(value)?);
    }
    header.push('}');
    let mut end = 0;
    for (name, view) in in_order(views) {
        let begin = end;
        end += view.data().len();
        let (name, shape) = (json(name)?, view.shape());
        let dtype = view.dtype();
        header +=
            &format!(r#",{name}:{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#);
    }
    header.push('}');
    let padded = header.len().next_multiple_of(8);
    let mut bytes = Vec::with_capacity(8 + padded + end);
    bytes.extend((padded as u64).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.resize(8 + padded, b' ');
    in_order(views).for_each(|(_, view)| bytes.extend(view.data()));
    Ok(bytes)
}

/// The same of a weights file, which has its [`checksum`] among the metadata.
///
/// # Errors
/// As [`write`](fn@write).
pub fn sealed(views: &Views<'_>, mut metadata: Vec<(&str, String)>) -> Result<Vec<u8>> {
    let entries = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    metadata.push((CHECKSUM_KEY, checksum(&entries, views)));
    write(views, &metadata)
}

/// The larger numbers first, so that each lies at a multiple of its size.
fn in_order<'a, 'b>(views: &'b Views<'a>) -> impl Iterator<Item = (&'b String, &'b TensorView<'a>)> {
    let of = |bits| views.iter().filter(move |(_, view)| view.dtype().bitsize() == bits);
    [64, 32, 16, 8].into_iter().flat_map(of)
}

fn json(text: &str) -> Result<String> {
    serde_json::to_string(text).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::SafeTensors;

    use super::*;

    #[test]
    fn the_safetensors_package_reads_what_is_written() {
        let half =
            Written { name: "a\"b".into(), dtype: Dtype::F16, shape: vec![3], bytes: vec![1, 2, 3, 4, 5, 6] };
        let tensors = [
            half,
            Written::floats("é".into(), vec![2, 1], &[1.5, -2.0]),
            Written::floats("c".into(), vec![0], &[]),
        ];
        let mut views = Views::new();
        add(&mut views, &tensors).unwrap();
        for metadata in [vec![], vec![("key", "a \"value\"\n".to_owned()), ("another", "ü".to_owned())]] {
            let bytes = write(&views, &metadata).unwrap();
            let (length, header) = SafeTensors::read_metadata(&bytes).unwrap();
            assert!(length.is_multiple_of(8));
            let expected: HashMap<_, _> =
                metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            assert_eq!(header.metadata().as_ref().unwrap(), &expected);
            let file = SafeTensors::deserialize(&bytes).unwrap();
            assert_eq!(file.len(), 3);
            for Written { name, dtype, shape, bytes } in &tensors {
                let found = file.tensor(name).unwrap();
                assert_eq!((found.dtype(), found.shape(), found.data()), (*dtype, &shape[..], &bytes[..]));
            }
        }
    }

    #[test]
    fn a_tensor_whose_bytes_do_not_fit_is_refused() {
        let tensor = Written { name: "a".into(), dtype: Dtype::F32, shape: vec![2], bytes: vec![0; 7] };
        assert_eq!(add(&mut Views::new(), &[tensor]).unwrap_err().code(), "INTERNAL");
    }
}
