//! The named tensors of a file, taken one by one with the shape that the backbone expects.

use std::collections::HashMap;

use half::bf16;
use rekindle_kernel::{are_finite, widen_bytes};
use safetensors::tensor::{Metadata, TensorInfo, TensorView};
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::closest::closest;
use super::pytorch;
use super::stored::{Stored, Views};
use super::{Spec, checksum, quantised, writer};
use crate::error::{Error, Result};

/// Metadata key of the pretrained [`Spec`], as JSON.
pub const SPEC_KEY: &str = "rekindle.spec";

/// Metadata key of the text of the weights' licence.
pub const LICENSE_KEY: &str = "rekindle.license";

/// Metadata key of a classifier's class names: a JSON list in the order of its outputs.
pub const CLASSES_KEY: &str = "rekindle.classes";

/// Metadata key of the file's [`checksum`].
pub const CHECKSUM_KEY: &str = "rekindle.checksum";

/// What the names of a classifier's tensors begin with: torchvision's, timm's and `efficientnet-pytorch`'s.
const CLASSIFIER: [&str; 6] = ["classifier.", "fc.", "_fc.", "head.", "pre_logits.", "conv_head."];

/// What some tools put before every name.
const WRAPPERS: [&str; 3] = ["module.", "_orig_mod.", "model."];

/// The named tensors of a file that was checked. Taking a tensor removes it, so that what is left at the
/// end is what the backbone does not know.
#[derive(Debug)]
pub struct Tensors<'a> {
    spec: Spec,
    metadata: HashMap<String, String>,
    views: Views<'a>,
    /// Whether the file may hold a classifier as well: one from elsewhere, or an exported model.
    with_classifier: bool,
}

impl<'a> Tensors<'a> {
    /// Whether the bytes are of another tool: PyTorch's, or safetensors without a spec.
    pub fn are_foreign(bytes: &[u8]) -> bool {
        let spec =
            |header: &Metadata| header.metadata().as_ref().is_some_and(|all| all.contains_key(SPEC_KEY));
        pytorch::is_zip(bytes)
            || pytorch::is_legacy(bytes)
            || SafeTensors::read_metadata(bytes).is_ok_and(|(_, header)| !spec(&header))
    }

    /// Reads the header of a safetensors file and checks the whole file against its checksum.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where the bytes are no safetensors file, are cut off or altered, or carry no valid spec.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        Self::parse(bytes, true)
    }

    /// The same for bytes that the caller knows to be those of the file that is wanted: hashing them takes as long as all
    /// else of reading them.
    ///
    /// # Errors
    /// As [`Tensors::read`], but bytes that were altered are not found.
    pub fn read_known(bytes: &'a [u8]) -> Result<Self> {
        Self::parse(bytes, false)
    }

    fn parse(bytes: &'a [u8], check: bool) -> Result<Self> {
        let format = |reason: String| Error::WeightsFormat { reason };
        let (views, metadata) = contents(bytes).map_err(|e| format(e.to_string()))?;
        let entry =
            |key: &str| metadata.get(key).ok_or_else(|| format(format!("metadata `{key}` is absent")));
        if check && *entry(CHECKSUM_KEY)? != checksum(&metadata, &views) {
            return Err(format("the bytes do not match the file's checksum".into()));
        }
        let spec = Spec::from_json(entry(SPEC_KEY)?)?;
        let views = views.into_iter().map(|(name, view)| (name, view.into())).collect();
        let with_classifier = metadata.contains_key(CLASSES_KEY);
        Ok(Self { spec, metadata, views, with_classifier })
    }

    /// Reads the file of another tool: safetensors, or PyTorch's old or new format. It has no spec and no checksum of its
    /// own; what only training needs and a classifier are passed over.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where the bytes are none of these, are cut off, or ask for more than weights need.
    pub fn read_foreign(bytes: &'a [u8], spec: Spec) -> Result<Self> {
        let views = if pytorch::is_zip(bytes) {
            pytorch::read_zip(bytes)?
        } else if pytorch::is_legacy(bytes) {
            pytorch::read_legacy(bytes)?
        } else {
            let format = |error: &dyn std::error::Error| Error::WeightsFormat {
                reason: format!("the file is neither of PyTorch nor safetensors: {error}"),
            };
            let file = SafeTensors::deserialize(bytes).map_err(|error| format(&error))?;
            file.tensors().into_iter().map(|(name, view)| (name, view.into())).collect()
        };
        let wrapper = WRAPPERS.iter().find(|wrapper| views.keys().all(|name| name.starts_with(**wrapper)));
        let named = views.into_iter().filter(|(name, _)| !name.ends_with(".num_batches_tracked"));
        let views = named
            .map(|(name, view)| match wrapper.and_then(|wrapper| name.strip_prefix(wrapper)) {
                Some(name) => (name.to_owned(), view),
                None => (name, view),
            })
            .collect();
        Ok(Self { spec, metadata: HashMap::new(), views, with_classifier: true })
    }

    /// What the weights need to be used as they were trained.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// A metadata entry of the file.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Whether there is a tensor of this name that was not taken.
    pub fn has(&self, name: &str) -> bool {
        self.views.contains_key(name)
    }

    /// Names and shapes of the tensors that were not taken.
    pub fn left(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.views.iter().map(|(name, view)| (name.as_str(), view.shape.as_slice()))
    }

    /// Whether a tensor of this name, which is no part of a backbone, may be one of a classifier.
    pub fn is_classifier(&self, name: &str) -> bool {
        self.with_classifier && CLASSIFIER.iter().any(|prefix| name.starts_with(prefix))
    }

    /// Takes the tensor of this name as f32 values, row by row; one of type I8 with its scales, a number for each output
    /// channel under the tensor's name and [`SCALE_SUFFIX`](super::SCALE_SUFFIX).
    ///
    /// # Errors
    /// `WEIGHTS_MISMATCH` where it or its scales are absent, were taken before or have another shape; `WEIGHTS_FORMAT` where
    /// its type is not f32, f16, bf16 or I8, a value is not finite or a scale not positive.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let mismatch = |found: String| Error::WeightsMismatch {
            tensor: name.into(),
            expected: format!("{shape:?}"),
            found,
        };
        let Some(view) = self.views.remove(name) else {
            return Err(mismatch(match closest(name, self.views.keys()) {
                names if names.is_empty() => "absent".into(),
                names => format!("absent; the closest names are {}", names.join(", ")),
            }));
        };
        if view.shape != shape {
            return Err(mismatch(format!("{:?}", view.shape)));
        }
        let values = if view.dtype == Dtype::I8 {
            quantised::values(name, &view, &mut self.views)?
        } else {
            values(&view).ok_or_else(|| Error::WeightsFormat {
                reason: format!("tensor `{name}` has type {}; f32, f16, bf16 and i8 are read", view.dtype),
            })?
        };
        if are_finite(&values) {
            Ok(values)
        } else {
            Err(Error::WeightsFormat { reason: format!("tensor `{name}` has values that are not finite") })
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `WEIGHTS_MISMATCH` where a tensor was not taken.
    pub fn finish(self) -> Result<()> {
        match self.views.iter().find(|(name, _)| !self.is_classifier(name)) {
            None => Ok(()),
            Some((name, view)) => Err(Error::WeightsMismatch {
                tensor: name.clone(),
                expected: "absent".into(),
                found: format!("{:?}", view.shape),
            }),
        }
    }
}

/// Tensors and metadata of a safetensors file, its header read once: `SafeTensors::deserialize` keeps the metadata to itself.
fn contents(
    bytes: &[u8],
) -> std::result::Result<(writer::Views<'_>, HashMap<String, String>), SafeTensorError> {
    let (len, header) = SafeTensors::read_metadata(bytes)?;
    let data = bytes.get(size_of::<u64>() + len..).unwrap_or_default();
    let view = |(name, info): (String, &TensorInfo)| {
        let (start, end) = info.data_offsets;
        let data = data.get(start..end).unwrap_or_default();
        Ok((name, TensorView::new(info.dtype, info.shape.clone(), data)?))
    };
    let views =
        header.tensors().into_iter().map(view).collect::<std::result::Result<_, SafeTensorError>>()?;
    Ok((views, header.metadata().clone().unwrap_or_default()))
}

/// The view's values, or nothing where its type is not read.
fn values(view: &Stored<'_>) -> Option<Vec<f32>> {
    match view.dtype {
        Dtype::F32 => Some(decode(&view.data, f32::from_le_bytes)),
        Dtype::F16 => Some(widen_bytes(&view.data)),
        Dtype::BF16 => Some(decode(&view.data, |bytes| bf16::from_le_bytes(bytes).to_f32())),
        _ => None,
    }
}

fn decode<const N: usize>(data: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use safetensors::serialize;
    use std::collections::BTreeMap;

    fn spec() -> Spec {
        Spec {
            arch: "mobilenet_v2".into(),
            tag: "test".into(),
            input_size: 64,
            mean: [0.5; 3],
            std: [0.5; 3],
            interpolation: crate::weights::Interpolation::Bilinear,
            crop_pct: 1.0,
            channels: Default::default(),
            precision: Default::default(),
            license: "CC0-1.0".into(),
            source: "a test".into(),
            sha256: "0".repeat(64),
        }
    }

    /// A file with one tensor of each type that is read and one that is not.
    fn file() -> Vec<u8> {
        let bytes = [
            ("a.f32", Dtype::F32, [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()),
            (
                "b.f16",
                Dtype::F16,
                [1.5f32, -2.0].iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
            ),
            (
                "c.bf16",
                Dtype::BF16,
                [1.5f32, -2.0].iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
            ),
            ("d.i64", Dtype::I64, [1i64, -2].iter().flat_map(|v| v.to_le_bytes()).collect()),
            ("e.nan", Dtype::F32, [f32::NAN, 0.0].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ];
        let views: BTreeMap<_, _> = bytes
            .iter()
            .map(|(name, dtype, data)| (name.to_string(), TensorView::new(*dtype, vec![2], data).unwrap()))
            .collect();
        let mut metadata = HashMap::from([(SPEC_KEY.to_string(), serde_json::to_string(&spec()).unwrap())]);
        metadata.insert(CHECKSUM_KEY.into(), checksum(&metadata, &views));
        serialize(views, Some(metadata)).unwrap()
    }

    #[test]
    fn every_float_type_gives_the_same_values() {
        let bytes = file();
        let mut tensors = Tensors::read(&bytes).unwrap();
        assert_eq!(tensors.spec(), &spec());
        for name in ["a.f32", "b.f16", "c.bf16"] {
            assert_eq!(tensors.take(name, &[2]).unwrap(), [1.5, -2.0], "{name}");
        }
    }

    /// A file with a tensor `q` of type I8, `[2, 3]`, and these scales, if any.
    fn quantised(scale: Option<(Dtype, Vec<usize>, Vec<u8>)>) -> Vec<u8> {
        let numbers: Vec<u8> =
            [-127i8, 0, 1, 2, -3, 127].iter().map(|number| number.cast_unsigned()).collect();
        let mut views =
            BTreeMap::from([("q".to_string(), TensorView::new(Dtype::I8, vec![2, 3], &numbers).unwrap())]);
        if let Some((dtype, shape, data)) = &scale {
            views.insert("q.scale".into(), TensorView::new(*dtype, shape.clone(), data).unwrap());
        }
        let mut metadata = HashMap::from([(SPEC_KEY.to_string(), serde_json::to_string(&spec()).unwrap())]);
        metadata.insert(CHECKSUM_KEY.into(), checksum(&metadata, &views));
        serialize(views, Some(metadata)).unwrap()
    }

    fn scales(scales: &[f32]) -> Option<(Dtype, Vec<usize>, Vec<u8>)> {
        let bytes = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        Some((Dtype::F32, vec![scales.len()], bytes))
    }

    #[test]
    fn bytes_are_multiplied_by_the_scale_of_their_output_channel() {
        let bytes = quantised(scales(&[0.5, 0.25]));
        let mut tensors = Tensors::read(&bytes).unwrap();
        assert_eq!(tensors.take("q", &[2, 3]).unwrap(), [-63.5, 0.0, 0.5, 0.5, -0.75, 31.75]);
        tensors.finish().unwrap();
    }

    #[test]
    fn scales_that_do_not_fit_are_refused() {
        let take = |scale| {
            let bytes = quantised(scale);
            Tensors::read(&bytes).unwrap().take("q", &[2, 3]).unwrap_err()
        };
        let mismatch = |found: &str| Error::WeightsMismatch {
            tensor: "q.scale".into(),
            expected: "[2]".into(),
            found: found.into(),
        };
        assert_eq!(take(None), mismatch("absent"));
        assert_eq!(take(scales(&[0.5])), mismatch("[1]"));
        assert_eq!(take(scales(&[0.5; 3])), mismatch("[3]"));
        assert_eq!(take(Some((Dtype::F16, vec![2], vec![0x38; 4]))).code(), "WEIGHTS_FORMAT");
        for scale in [0.0, -0.5, f32::NAN, f32::INFINITY, f32::MAX] {
            assert_eq!(take(scales(&[0.5, scale])).code(), "WEIGHTS_FORMAT", "{scale}");
        }
    }

    #[test]
    fn the_checksum_covers_bytes_and_scales() {
        let bytes = quantised(scales(&[0.5, 0.25]));
        // The file ends with 6 bytes of numbers and 8 of scales, in whichever order.
        for at in bytes.len() - 14..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert_eq!(Tensors::read(&altered).unwrap_err().code(), "WEIGHTS_FORMAT", "altered at {at}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named_with_expected_and_found_shape() {
        let bytes = file();
        let mut tensors = Tensors::read(&bytes).unwrap();
        let mismatch = |tensor: &str, expected: &str, found: &str| Error::WeightsMismatch {
            tensor: tensor.into(),
            expected: expected.into(),
            found: found.into(),
        };
        let absent = "absent; the closest names are e.nan, a.f32, b.f16";
        assert_eq!(tensors.take("a.nan", &[3, 4]), Err(mismatch("a.nan", "[3, 4]", absent)));
        assert_eq!(tensors.take("a.f32", &[1, 2]), Err(mismatch("a.f32", "[1, 2]", "[2]")));
        assert_eq!(tensors.finish(), Err(mismatch("b.f16", "absent", "[2]")));
    }

    #[test]
    fn other_types_and_values_that_are_not_finite_are_refused() {
        let bytes = file();
        let mut tensors = Tensors::read(&bytes).unwrap();
        for name in ["d.i64", "e.nan"] {
            assert_eq!(tensors.take(name, &[2]).unwrap_err().code(), "WEIGHTS_FORMAT", "{name}");
        }
    }

    #[test]
    fn every_cut_and_every_altered_byte_gives_a_typed_error() {
        let bytes = file();
        for end in 0..bytes.len() {
            for read in [Tensors::read, Tensors::read_known] {
                assert_eq!(read(&bytes[..end]).unwrap_err().code(), "WEIGHTS_FORMAT", "cut at {end}");
            }
        }
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 0x11;
            assert_eq!(Tensors::read(&altered).unwrap_err().code(), "WEIGHTS_FORMAT", "altered at {at}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Tensors::read(&longer).unwrap_err().code(), "WEIGHTS_FORMAT");
    }

    #[test]
    fn swapped_parts_give_a_typed_error() {
        let bytes = file();
        for (a, b) in [(0, 8), (8, 24), (bytes.len() - 16, bytes.len() - 8), (16, bytes.len() - 16)] {
            let mut swapped = bytes.clone();
            for offset in 0..8 {
                swapped.swap(a + offset, b + offset);
            }
            assert_ne!(swapped, bytes);
            assert_eq!(Tensors::read(&swapped).unwrap_err().code(), "WEIGHTS_FORMAT", "{a} with {b}");
        }
    }

    #[test]
    fn the_checksum_does_not_depend_on_the_order_in_the_file() {
        let bytes = file();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let (_, parsed) = SafeTensors::read_metadata(&bytes).unwrap();
        let text = std::str::from_utf8(&bytes[8..8 + header]).unwrap();
        // The same header with its entries in another order, as another writer may put them.
        let json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let reversed: Vec<String> = json
            .iter()
            .rev()
            .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).unwrap()))
            .collect();
        let reversed = format!("{{{}}}", reversed.join(","));
        let mut reordered = (reversed.len() as u64).to_le_bytes().to_vec();
        reordered.extend(reversed.as_bytes());
        reordered.extend(&bytes[8 + header..]);
        assert_ne!(reordered, bytes);
        assert_eq!(parsed.tensors().len(), 5);
        assert_eq!(Tensors::read(&reordered).unwrap().take("a.f32", &[2]).unwrap(), [1.5, -2.0]);
    }

    #[test]
    fn an_invalid_spec_is_refused() {
        let no_std = Spec { std: [0.0; 3], ..spec() };
        let views = BTreeMap::<String, TensorView>::new();
        for json in ["{}".to_string(), "not JSON".into(), serde_json::to_string(&no_std).unwrap()] {
            let mut metadata = HashMap::from([(SPEC_KEY.to_string(), json.clone())]);
            metadata.insert(CHECKSUM_KEY.into(), checksum(&metadata, &views));
            let bytes = serialize(views.clone(), Some(metadata)).unwrap();
            assert_eq!(Tensors::read(&bytes).unwrap_err().code(), "WEIGHTS_FORMAT", "{json}");
        }
    }
}
