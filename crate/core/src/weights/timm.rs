//! The `config.json` beside timm's weights at the Hugging Face hub.

use serde::Deserialize;

use super::{Description, Interpolation};
use crate::error::{Error, Result};

/// The parts of the file that are read; it has more.
#[derive(Deserialize)]
struct Config {
    architecture: String,
    pretrained_cfg: Pretrained,
}

#[derive(Deserialize)]
struct Pretrained {
    tag: Option<String>,
    /// Channels, height, width.
    input_size: [u32; 3],
    interpolation: Interpolation,
    crop_pct: f32,
    mean: [f32; 3],
    std: [f32; 3],
    license: Option<String>,
}

impl Description {
    /// Reads timm's `config.json`.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where the text is no such file, or the input is not square and RGB.
    pub fn from_timm(json: &str) -> Result<Self> {
        let refuse = |reason: String| Error::WeightsFormat { reason };
        let config: Config = serde_json::from_str(json)
            .map_err(|error| refuse(format!("the file is no config.json of timm: {error}")))?;
        let Config { architecture, pretrained_cfg: trained } = config;
        let [3, height, width] = trained.input_size else {
            return Err(refuse("the config's input has not three channels".into()));
        };
        if height != width {
            return Err(refuse(format!("the config's input is {width}x{height}; only squares are used")));
        }
        Ok(Self {
            arch: Some(architecture),
            tag: trained.tag,
            input_size: Some(width),
            mean: Some(trained.mean),
            std: Some(trained.std),
            interpolation: Some(trained.interpolation),
            crop_pct: Some(trained.crop_pct),
            // timm trains on RGB alone.
            channels: None,
            license: trained.license,
            source: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Spec;

    /// What timm's `save_config_for_hf` writes, without what is not read.
    const CONFIG: &str = r#"{
        "architecture": "tf_efficientnet_lite0", "num_classes": 1000, "num_features": 1280,
        "pretrained_cfg": { "tag": "in1k", "input_size": [3, 224, 224], "fixed_input_size": false,
            "interpolation": "bicubic", "crop_pct": 0.875, "crop_mode": "center", "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5], "license": "apache-2.0", "first_conv": "conv_stem" } }"#;

    fn read(json: &str) -> Result<Spec> {
        Description::from_timm(json)?.spec(&[])
    }

    #[test]
    fn a_config_becomes_a_spec() {
        let spec = read(CONFIG).unwrap();
        assert_eq!((spec.arch.as_str(), spec.tag.as_str()), ("tf_efficientnet_lite0", "in1k"));
        assert_eq!((spec.input_size, spec.interpolation), (224, Interpolation::Bicubic));
        assert_eq!((spec.mean, spec.std, spec.crop_pct), ([0.5; 3], [0.5; 3], 0.875));
        assert_eq!(spec.license, "apache-2.0");
    }

    #[test]
    fn other_configs_are_refused() {
        for (from, to) in [
            ("[3, 224, 224]", "[1, 224, 224]"),
            ("[3, 224, 224]", "[3, 224, 192]"),
            ("\"bicubic\"", "\"lanczos\""),
            ("0.875", "1.5"),
            ("\"std\": [0.5, 0.5, 0.5]", "\"std\": [0.5, 0.5, 0.0]"),
            ("architecture", "architectures"),
        ] {
            assert!(CONFIG.contains(from));
            assert_eq!(read(&CONFIG.replace(from, to)).unwrap_err().code(), "WEIGHTS_FORMAT", "{to}");
        }
    }
}
