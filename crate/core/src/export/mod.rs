//! A trained model for other tools: [`Format::Onnx`] runs anywhere, [`Format::Safetensors`] holds the tensors for PyTorch.

mod graph;
mod onnx;
mod protobuf;
mod safetensors;
mod trunk;

use std::str::FromStr;

use crate::backbone::Backbone;
use crate::error::{Error, Result};
use crate::head::Head;
use crate::image::Preprocess;
use crate::weights::{CLASSES_KEY, Channels, SPEC_KEY, Spec};

/// Metadata key of the sides in pixels that the shorter side of an image is resized to and that is then cropped of its centre:
/// `{ "shorterSide", "inputSize" }`. All else of the preprocessing is in the spec.
pub const PREPROCESS_KEY: &str = "rekindle.preprocess";

/// Metadata key of what the head does to an embedding before its first layer: `unit` (length one) or nothing.
pub const SCALING_KEY: &str = "rekindle.scaling";

/// Metadata key of how many examples of each class vote, in a head whose hidden units are examples.
pub const NEAREST_KEY: &str = "rekindle.nearest";

/// What a model is exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The whole computation from the pixels of the crop to probabilities.
    Onnx,
    /// The tensors of backbone and head under the names of the weights file.
    Safetensors,
}

impl FromStr for Format {
    type Err = Error;

    /// # Errors
    /// `OPTION_INVALID` for a name other than `onnx` and `safetensors`.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "onnx" => Ok(Self::Onnx),
            "safetensors" => Ok(Self::Safetensors),
            _ => Err(Error::OptionInvalid {
                option: "format".into(),
                found: name.into(),
                expected: "onnx or safetensors".into(),
            }),
        }
    }
}

/// All that an exported file is made of.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The pretrained weights.
    pub spec: &'a Spec,
    /// Side of the input in pixels.
    pub input_size: u32,
    /// The backbone, with the stages that were fine-tuned.
    pub backbone: &'a Backbone,
    /// Whether any were.
    pub tuned: bool,
    /// The trained head.
    pub head: &'a Head,
    /// Labels in the order of its outputs.
    pub labels: &'a [String],
}

impl Export<'_> {
    /// Writes the file.
    ///
    /// # Errors
    /// `OPTION_INVALID` where the input is too small for the backbone; `DEVICE_LOST` where weights cannot be read back;
    /// `INTERNAL` where the file cannot be put together.
    pub fn write(&self, format: Format) -> Result<Vec<u8>> {
        match format {
            Format::Onnx => onnx::write(self),
            Format::Safetensors => safetensors::write(self),
        }
    }

    /// What both files say of the weights: what was read is a network for RGB, whichever it was.
    fn spec(&self) -> Spec {
        Spec { channels: Channels::Rgb, ..self.spec.clone() }
    }

    /// What both files say of themselves.
    fn metadata(&self, spec: &Spec) -> Result<Vec<(&'static str, String)>> {
        let side = Preprocess::new(self.spec, self.input_size).shorter_side();
        let preprocess = format!(r#"{{"shorterSide":{side},"inputSize":{}}}"#, self.input_size);
        Ok(vec![(SPEC_KEY, json(spec)?), (PREPROCESS_KEY, preprocess), (CLASSES_KEY, json(&self.labels)?)])
    }
}

/// As project files have it, which keeps the WebAssembly module small.
fn json(value: &impl serde::Serialize) -> Result<String> {
    let bytes = serde_json::to_vec_pretty(value).map_err(Error::internal)?;
    String::from_utf8(bytes).map_err(Error::internal)
}
