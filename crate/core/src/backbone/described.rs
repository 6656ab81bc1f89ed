//! Weights files of any tool, with what is said of those that do not say it themselves.

use sha2::{Digest, Sha256};

use super::catalogue;
use crate::error::{Error, Result};
use crate::weights::{Description, Interpolation, Precision, Spec, Tensors};

/// torchvision's `ImageClassification` preset, with which nearly all of its weights and most of timm's were trained.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];
const CROP_PCT: f32 = 0.875;

/// Reads a file that carries its spec, as [`Tensors::read`], or another tool's, as [`Tensors::read_foreign`], which
/// `description` then describes.
///
/// # Errors
/// `OPTION_INVALID` where the description does not say the architecture of a file that does not say it either, or says
/// more or something else of one that does; else as the two.
pub fn read<'a>(bytes: &'a [u8], description: &Description) -> Result<Tensors<'a>> {
    if Tensors::are_foreign(bytes) {
        return Tensors::read_foreign(bytes, description.spec(bytes)?);
    }
    let tensors = Tensors::read(bytes)?;
    let known = &tensors.spec().arch;
    if let Some(arch) = &description.arch
        && catalogue::find(arch)?.name != catalogue::find(known)?.name
    {
        return Err(Error::OptionInvalid {
            option: "spec.arch".into(),
            found: arch.clone(),
            expected: format!("{known}, as the file says"),
        });
    }
    // Where a file was found is no matter to one that says where it is from.
    if (Description { arch: None, source: None, ..description.clone() }).is_empty() {
        return Ok(tensors);
    }
    Err(Error::OptionInvalid {
        option: "spec".into(),
        found: "given".into(),
        expected: "left out: the file says itself how its weights were trained".into(),
    })
}

impl Description {
    /// The spec of the weights in `file`. What is not said is as torchvision trains: bilinear, a centre crop of 0.875, RGB,
    /// ImageNet's mean and deviation, and the architecture's usual input size.
    ///
    /// # Errors
    /// `OPTION_INVALID` where the architecture is not said; `WEIGHTS_FORMAT` where it is unknown or a number is out of its
    /// range.
    pub fn spec(&self, file: &[u8]) -> Result<Spec> {
        let arch = self.arch.clone().ok_or_else(|| Error::OptionInvalid {
            option: "spec.arch".into(),
            found: "not given".into(),
            expected: "the name of the architecture: the file does not say it".into(),
        })?;
        let usual = catalogue::find(&arch)?;
        let unknown = || "unknown".to_owned();
        Spec {
            arch,
            tag: self.tag.clone().unwrap_or_else(unknown),
            input_size: self.input_size.unwrap_or(usual.input_size),
            mean: self.mean.unwrap_or(MEAN),
            std: self.std.unwrap_or(STD),
            interpolation: self.interpolation.unwrap_or(Interpolation::Bilinear),
            crop_pct: self.crop_pct.unwrap_or(CROP_PCT),
            channels: self.channels.unwrap_or_default(),
            precision: Precision::Float,
            license: self.license.clone().unwrap_or_else(unknown),
            source: self.source.clone().unwrap_or_else(unknown),
            sha256: Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect(),
        }
        .checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Spec> {
        Description::from_json(json)?.spec(b"abc")
    }

    #[test]
    fn what_is_not_said_is_as_torchvision_trains() {
        let spec = read(r#"{ "arch": "efficientnet_lite1", "interpolation": "bicubic" }"#).unwrap();
        assert_eq!((spec.input_size, spec.crop_pct, spec.mean[0]), (240, 0.875, 0.485));
        assert_eq!(spec.interpolation, Interpolation::Bicubic);
        // The test vector of FIPS 180-2.
        assert_eq!(spec.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_first_to_say_something_is_heard() {
        let [first, second] = [r#"{ "inputSize": 96 }"#, r#"{ "arch": "resnet18", "inputSize": 224 }"#];
        let both = Description::from_json(first).unwrap().or(Description::from_json(second).unwrap());
        assert_eq!((both.arch.as_deref(), both.input_size), (Some("resnet18"), Some(96)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let code = |json: &str| read(json).unwrap_err().code();
        assert_eq!(code("{}"), "OPTION_INVALID");
        assert_eq!(code(r#"{ "arc": "resnet18" }"#), "OPTION_INVALID");
        assert_eq!(code(r#"{ "arch": "resnet18", "mean": [0.5] }"#), "OPTION_INVALID");
        assert_eq!(code(r#"{ "arch": "resnet19" }"#), "WEIGHTS_FORMAT");
        assert_eq!(code(r#"{ "arch": "resnet18", "std": [0, 1, 1] }"#), "WEIGHTS_FORMAT");
    }
}
