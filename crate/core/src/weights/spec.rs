//! What must be known of pretrained weights to use them as they were trained.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What must be known of pretrained weights to use them as they were trained; kept in every project file and export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Architecture, as in the catalogue: `mobilenet_v2`.
    pub arch: String,
    /// Which training of it: `tv_in1k`.
    pub tag: String,
    /// Side of the square input in pixels.
    pub input_size: u32,
    /// Mean of each channel (R, G, B), for values of 0 to 1.
    pub mean: [f32; 3],
    /// Standard deviation of each channel (R, G, B), for values of 0 to 1.
    pub std: [f32; 3],
    /// Filter of the resize.
    pub interpolation: Interpolation,
    /// Part of the resized shorter side that the centre crop keeps.
    pub crop_pct: f32,
    /// In which order the first convolution of the file has the channels of the image; `mean` and `std` are R, G, B always.
    #[serde(default, skip_serializing_if = "Channels::is_rgb")]
    pub channels: Channels,
    /// How the large weights are stored.
    #[serde(default, skip_serializing_if = "Precision::is_float")]
    pub precision: Precision,
    /// SPDX name of the weights' licence.
    pub license: String,
    /// Where the weights come from.
    pub source: String,
    /// SHA-256 of the file they were converted from, in hexadecimal.
    pub sha256: String,
}

/// Filter of a resize, antialiased as Pillow does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// A triangle over the pixels that one covers.
    Bilinear,
    /// Cubic, with the parameter -1/2.
    Bicubic,
}

/// Order of the image's channels that a network was trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Nearly all.
    #[default]
    Rgb,
    /// Networks trained with Caffe or OpenCV.
    Bgr,
}

impl Channels {
    // serde asks with a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_rgb(&self) -> bool {
        *self == Self::Rgb
    }
}

/// How the large weights of a file are stored. Heads learnt on one kind do not fit the other quite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As floating-point numbers.
    #[default]
    Float,
    /// As whole numbers of one byte, with a scale for each output channel.
    Int8,
}

impl Precision {
    // serde asks with a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_float(&self) -> bool {
        *self == Self::Float
    }
}

impl Spec {
    /// Whether the two mean the same numbers, used in the same way, wherever they were taken from.
    pub fn is_same_weights(&self, other: &Self) -> bool {
        let Self { tag, license, source, .. } = other.clone();
        Self { tag, license, source, ..self.clone() } == *other
    }

    /// Reads a spec and checks its numbers.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where the text is no spec or a number is out of its range.
    pub fn from_json(json: &str) -> Result<Self> {
        let spec: Spec = serde_json::from_str(json).map_err(|error| Error::WeightsFormat {
            reason: format!("the spec is no valid JSON: {error}"),
        })?;
        spec.checked()
    }

    /// The spec itself.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where a number is out of its range.
    pub fn checked(self) -> Result<Self> {
        let range = if !self.mean.iter().all(|value| value.is_finite()) {
            "mean must be finite"
        } else if !self.std.iter().all(|value| value.is_finite() && *value > 0.0) {
            "std must be positive"
        } else if !(self.crop_pct > 0.0 && self.crop_pct <= 1.0) {
            "cropPct must be above 0 and at most 1"
        } else if self.input_size == 0 {
            "inputSize must be positive"
        } else {
            return Ok(self);
        };
        Err(Error::WeightsFormat { reason: format!("the spec's {range}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_of_rgb_and_floats_is_written_as_before_there_was_a_choice() {
        let json = r#"{"arch":"a","tag":"b","inputSize":8,"mean":[0.0,0.0,0.0],"std":[1.0,1.0,1.0],"interpolation":"bilinear","cropPct":1.0,"license":"c","source":"d","sha256":"e"}"#;
        let spec = Spec::from_json(json).unwrap();
        assert_eq!((spec.channels, spec.precision), (Channels::Rgb, Precision::Float));
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
        let bgr = Spec { channels: Channels::Bgr, ..spec.clone() };
        let int8 = Spec { precision: Precision::Int8, ..spec.clone() };
        for (other, entry) in [(bgr, r#""channels":"bgr""#), (int8, r#""precision":"int8""#)] {
            let json = serde_json::to_string(&other).unwrap();
            assert!(json.contains(entry));
            assert_eq!(Spec::from_json(&json).unwrap(), other);
            assert!(!other.is_same_weights(&spec));
        }
    }
}
