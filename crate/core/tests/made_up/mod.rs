//! What integration tests make up in place of pretrained weights.

use rekindle::Spec;

/// The spec of weights that are not there, for square images of this side.
pub fn spec(input_size: u32) -> Spec {
    Spec {
        arch: "mobilenet_v2".into(),
        tag: "test".into(),
        input_size,
        mean: [0.5; 3],
        std: [0.25; 3],
        interpolation: rekindle::weights::Interpolation::Bilinear,
        crop_pct: 0.875,
        channels: Default::default(),
        precision: Default::default(),
        license: "CC0-1.0".into(),
        source: "made up".into(),
        sha256: "00".into(),
    }
}
