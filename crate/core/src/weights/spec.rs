//! What must be known of pretrained weights to use them as they were trained.

use serde::{Deserialize, Serialize};

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
    /// Filter of the resize; `bilinear` (antialiased, as Pillow does it).
    pub interpolation: String,
    /// Part of the resized shorter side that the centre crop keeps.
    pub crop_pct: f32,
    /// SPDX name of the weights' licence.
    pub license: String,
    /// Where the weights come from.
    pub source: String,
    /// SHA-256 of the file they were converted from, in hexadecimal.
    pub sha256: String,
}
