//! The architectures that can be loaded.

use burn::tensor::Device;

use super::{Stage, Take, mobilenet_v2};
use crate::error::{Error, Result};

/// What is known of an architecture before its weights are there.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    /// Name as the pretrained spec writes it.
    pub name: &'static str,
    /// How many stages there are, which is also the last cut.
    pub stages: usize,
    /// Length of the pooled embedding.
    pub embedding_len: usize,
    /// Multiply-adds of one 224x224 image without the classifier, in millions, from the layers' shapes.
    pub multiply_adds_m: u32,
    pub(super) build: fn(&mut Take<'_>, &Device) -> Result<Vec<Stage>>,
}

/// Every architecture, the default first.
pub const CATALOGUE: &[Architecture] = &[Architecture {
    name: "mobilenet_v2",
    stages: 19,
    embedding_len: 1280,
    multiply_adds_m: 299,
    build: mobilenet_v2::build,
}];

/// The architecture of this name.
///
/// # Errors
/// `WEIGHTS_FORMAT` where the catalogue has no such name.
pub fn find(name: &str) -> Result<&'static Architecture> {
    CATALOGUE.iter().find(|architecture| architecture.name == name).ok_or_else(|| {
        let known: Vec<_> = CATALOGUE.iter().map(|architecture| architecture.name).collect();
        Error::WeightsFormat {
            reason: format!("architecture `{name}` is unknown; known: {}", known.join(", ")),
        }
    })
}
