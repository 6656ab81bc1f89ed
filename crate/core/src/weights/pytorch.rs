//! PyTorch's `.pth`, `.pt` and `.bin`: a pickle of names and shapes, and the numbers beside it; in a zip since version 1.6,
//! one after the other before.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read};

use safetensors::Dtype;

use super::bytes::Bytes;
use super::pickle::{Element, Object, Pickle, Tensor};
use super::stored::{Stored, Views};
use crate::error::{Error, Result};

/// What a zip begins with.
const ZIP: &[u8] = b"PK\x03\x04";

/// What a pickle of protocol 2 or later begins with.
const PICKLE: &[u8] = &[0x80];

/// Where the text of a safetensors file begins, always with `{`. Before it is its length, which may look like the begin of anything.
const SAFETENSORS_TEXT: usize = 8;

/// The number that an old file begins with, `0x1950a86a20f9469cfc6c`, as its pickle has it.
const MAGIC: &[u8] = &[0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The largest pickle that is read: names and shapes of thousands of tensors take far less.
const LARGEST_PICKLE: u64 = 16 << 20;

/// The longest name of a tensor, which may be written again for each.
const LONGEST_NAME: usize = 1024;

/// Keys behind which training scripts put the weights among other things.
const INSIDE: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// Whether a file is of version 1.6 or later.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) && !is_safetensors(bytes)
}

/// Whether a file is from before version 1.6.
pub fn is_legacy(bytes: &[u8]) -> bool {
    bytes.starts_with(PICKLE) && !is_safetensors(bytes)
}

fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(SAFETENSORS_TEXT) == Some(&b'{')
}

/// Reads a file of version 1.6 or later.
///
/// # Errors
/// `WEIGHTS_FORMAT` where it is damaged, compressed, or asks for more than weights need.
pub fn read_zip(bytes: &[u8]) -> Result<Views<'_>> {
    let damaged = |error: &dyn std::error::Error| refused(format!("its zip cannot be read: {error}"));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let mut parts = HashMap::new();
    let (mut program, mut folder) = (None, String::new());
    for index in 0..archive.len() {
        let method = archive.by_index_raw(index).map_err(|error| damaged(&error))?.compression();
        if method != zip::CompressionMethod::Stored {
            return Err(refused("its zip uses compression, and PyTorch's do not".into()));
        }
        let mut file = archive.by_index(index).map_err(|error| damaged(&error))?;
        let name = file.name().map_err(|error| damaged(&error))?.into_owned();
        if let Some(before) = folder_of_pickle(&name) {
            if file.size() > LARGEST_PICKLE {
                return Err(refused("its pickle is too large for names and shapes".into()));
            }
            if program.is_some() {
                return Err(refused("it has more than one `data.pkl`".into()));
            }
            let mut pickle = Vec::new();
            file.by_ref().take(LARGEST_PICKLE).read_to_end(&mut pickle).map_err(|error| damaged(&error))?;
            (program, folder) = (Some(pickle), before.to_owned());
        } else {
            let [start, size] = [file.data_start(), Some(file.size())].map(|at| usize::try_from(at?).ok());
            let data = start.zip(size).and_then(|(start, size)| bytes.get(start..)?.get(..size));
            parts.insert(name, data.ok_or_else(|| refused("its zip is damaged".into()))?);
        }
    }
    let program = program.ok_or_else(|| refused("it has no `data.pkl`".into()))?;
    if parts.get(&format!("{folder}byteorder")).is_some_and(|order| *order != b"little") {
        return Err(refused("its numbers are big-endian".into()));
    }
    let pickle = Pickle::read(&mut Bytes(&program))?;
    views(&pickle, bytes.len(), |key| parts.get(&format!("{folder}data/{key}")).copied())
}

/// What stands before `data.pkl` in the name of the part that is the pickle.
fn folder_of_pickle(name: &str) -> Option<&str> {
    name.strip_suffix("data.pkl").filter(|before| before.is_empty() || before.ends_with('/'))
}

/// Reads a file from before version 1.6.
///
/// # Errors
/// As [`read_zip`].
pub fn read_legacy(bytes: &[u8]) -> Result<Views<'_>> {
    let mut rest = Bytes(bytes);
    // Magic number, version and what machine it was, one pickle each.
    let magic = rest.0.get(2..2 + MAGIC.len()) == Some(MAGIC);
    for _ in 0..3 {
        Pickle::read(&mut rest)?;
    }
    if !magic {
        return Err(refused("it does not begin as PyTorch's files do".into()));
    }
    let pickle = Pickle::read(&mut rest)?;
    let keys = Pickle::read(&mut rest)?;
    let sizes = sizes(&pickle);
    let mut parts = HashMap::new();
    let Object::List(list) = keys.root() else { return Err(refused("it has no list of storages".into())) };
    for id in list {
        let Object::Text(key) = keys.get(*id) else { return Err(refused("a storage has no name".into())) };
        let count = usize::try_from(u64::from_le_bytes(rest.array()?)).ok();
        let size = sizes.get(key.as_str()).copied();
        let length = count.zip(size).and_then(|(count, size)| count.checked_mul(size));
        let length = length.ok_or_else(|| refused(format!("nothing is known of its storage `{key}`")))?;
        parts.insert(key.clone(), rest.take(length)?);
    }
    views(&pickle, bytes.len(), |key| parts.get(key).copied())
}

/// Bytes of an element of each storage.
fn sizes(pickle: &Pickle) -> HashMap<&str, usize> {
    pickle.storages().map(|(key, element)| (key, element.size())).collect()
}

/// The tensors of the state dictionary, with the bytes of their storages. Of all numbers that must be copied there are no more than
/// the file is long: many names may mean the same ones.
fn views<'a>(
    pickle: &Pickle,
    file_len: usize,
    storage: impl Fn(&str) -> Option<&'a [u8]>,
) -> Result<Views<'a>> {
    let mut views = Views::new();
    let mut copied = 0;
    for (name, tensor) in state(pickle)? {
        let Some(dtype) = dtype(tensor.element) else { continue };
        if name.len() > LONGEST_NAME {
            return Err(refused(format!("a tensor's name is longer than {LONGEST_NAME} bytes")));
        }
        let data = storage(&tensor.storage)
            .and_then(|data| part(tensor, data))
            .ok_or_else(|| refused(format!("the numbers of tensor `{name}` are not where the file says")))?;
        if let Cow::Owned(data) = &data {
            copied += data.len();
            if copied > file_len {
                return Err(refused("its tensors are more numbers than it has".into()));
            }
        }
        views.insert(name.to_owned(), Stored { dtype, shape: tensor.shape.clone(), data });
    }
    Ok(views)
}

/// Names and tensors of the dictionary of weights, which may be inside another.
fn state(pickle: &Pickle) -> Result<Vec<(&str, &Tensor)>> {
    let mut root = pickle.root();
    if let Object::Dict(entries) = root {
        let inner = entries.iter().find(|(key, value)| {
            matches!(pickle.get(*key), Object::Text(key) if INSIDE.contains(&key.as_str()))
                && matches!(pickle.get(*value), Object::Dict(_))
        });
        root = inner.map_or(root, |(_, value)| pickle.get(*value));
    }
    let Object::Dict(entries) = root else { return Err(refused("it holds no dictionary of tensors".into())) };
    let tensors = entries.iter().filter_map(|(key, value)| match (pickle.get(*key), pickle.get(*value)) {
        (Object::Text(name), Object::Tensor(tensor)) => Some((name.as_str(), tensor)),
        _ => None,
    });
    Ok(tensors.collect())
}

/// The types that are read; counters of batches have another.
fn dtype(element: Element) -> Option<Dtype> {
    match element {
        Element::F32 => Some(Dtype::F32),
        Element::F16 => Some(Dtype::F16),
        Element::Bf16 => Some(Dtype::BF16),
        Element::Other(_) => None,
    }
}

/// A tensor's bytes: its part of the storage where they lie row by row, a copy where they lie otherwise; none where they
/// reach outside. A copy is never larger than the storage, also where steps of zero would repeat it.
fn part<'a>(tensor: &Tensor, storage: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let size = tensor.element.size();
    let mut count = 1usize;
    let (mut rows, mut reach) = (tensor.strides.len() == tensor.shape.len(), 0usize);
    if !rows || tensor.elements.checked_mul(size)? > storage.len() {
        return None;
    }
    for (side, stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
        rows &= *side == 1 || *stride == count;
        count = count.checked_mul(*side)?;
        reach = reach.checked_add(side.saturating_sub(1).checked_mul(*stride)?)?;
    }
    let storage = storage.get(tensor.offset.checked_mul(size)?..)?;
    let length = count.checked_mul(size)?;
    if rows || count == 0 {
        return storage.get(..length).map(Cow::Borrowed);
    }
    let inside = reach.checked_add(1)?.checked_mul(size)? <= storage.len();
    if !inside || length > storage.len() {
        return None;
    }
    let mut copy = Vec::with_capacity(length);
    for index in 0..count {
        let (mut rest, mut at) = (index, 0);
        for (side, stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
            at += rest % side * stride;
            rest /= side;
        }
        copy.extend_from_slice(storage.get(at * size..)?.get(..size)?);
    }
    Some(Cow::Owned(copy))
}

fn refused(reason: String) -> Error {
    Error::WeightsFormat { reason: format!("a PyTorch file cannot be used: {reason}") }
}
