//! A fingerprint of a weights file, so that altered bytes are found before they give wrong predictions.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::View;
use sha2::{Digest, Sha256};

use super::tensors::CHECKSUM_KEY;

/// SHA-256, in hexadecimal, of all that a weights file says: every metadata entry but the checksum itself, and name,
/// type, shape and bytes of every tensor, both in the order of their names. It does not depend on the order in the file.
pub fn checksum<V: View>(metadata: &HashMap<String, String>, tensors: &BTreeMap<String, V>) -> String {
    let mut sha = Sha256::new();
    let mut field = |bytes: &[u8]| {
        // The length before each field keeps neighbouring fields apart.
        sha.update((bytes.len() as u64).to_le_bytes());
        sha.update(bytes);
    };
    let metadata: BTreeMap<_, _> = metadata.iter().filter(|(key, _)| *key != CHECKSUM_KEY).collect();
    for (key, value) in metadata {
        field(key.as_bytes());
        field(value.as_bytes());
    }
    for (name, tensor) in tensors {
        field(name.as_bytes());
        field(format!("{}{:?}", tensor.dtype(), tensor.shape()).as_bytes());
        field(&tensor.data());
    }
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
