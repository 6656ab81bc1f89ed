//! What a caller or another file says of weights whose own file does not.

use serde::Deserialize;

use super::{Channels, Interpolation};
use crate::error::{Error, Result};

/// A [`Spec`](super::Spec) of which parts may be missing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Description {
    /// Architecture, as in the catalogue.
    pub arch: Option<String>,
    /// Which training of it.
    pub tag: Option<String>,
    /// Side of the square input in pixels.
    pub input_size: Option<u32>,
    /// Mean of each channel.
    pub mean: Option<[f32; 3]>,
    /// Standard deviation of each channel.
    pub std: Option<[f32; 3]>,
    /// Filter of the resize.
    pub interpolation: Option<Interpolation>,
    /// Part of the resized shorter side that the centre crop keeps.
    pub crop_pct: Option<f32>,
    /// In which order the first convolution has the channels; mean and deviation are R, G, B always.
    pub channels: Option<Channels>,
    /// SPDX name of the weights' licence.
    pub license: Option<String>,
    /// Where the weights come from.
    pub source: Option<String>,
}

impl Description {
    /// Reads what a caller wrote.
    ///
    /// # Errors
    /// `OPTION_INVALID` where a field is unknown or has another type.
    pub fn from_json(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| Error::OptionInvalid {
            option: "spec".into(),
            found: "not readable".into(),
            expected: format!("a description of the weights: {error}"),
        })
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What it says, and where it is silent what `other` says.
    pub fn or(self, other: Self) -> Self {
        Self {
            arch: self.arch.or(other.arch),
            tag: self.tag.or(other.tag),
            input_size: self.input_size.or(other.input_size),
            mean: self.mean.or(other.mean),
            std: self.std.or(other.std),
            interpolation: self.interpolation.or(other.interpolation),
            crop_pct: self.crop_pct.or(other.crop_pct),
            channels: self.channels.or(other.channels),
            license: self.license.or(other.license),
            source: self.source.or(other.source),
        }
    }
}
