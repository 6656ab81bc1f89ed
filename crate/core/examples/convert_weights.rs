//! Converts torchvision's MobileNetV2 to the files that Rekindle loads.
//!
//! usage: `convert_weights <mobilenet_v2-b0353104.pth> <out folder>`
//!
//! Writes `mobilenet_v2.safetensors` (backbone, f16 with f32 norms) and `mobilenet_v2.classifier.safetensors` (the ImageNet
//! classifier, f16, with its class names), and both unrounded, for tests: `mobilenet_v2.f32.safetensors` and
//! `mobilenet_v2.classifier.f32.safetensors`.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;

use burn_store::{ModuleStore, PytorchStore};
use half::f16;
use rekindle::Spec;
use rekindle::weights::{CHECKSUM_KEY, CLASSES_KEY, LICENSE_KEY, SPEC_KEY, checksum};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use sha2::{Digest, Sha256};

/// Names and licence text that go with the weights; both from torchvision.
const CLASSES: &str = include_str!("../src/weights/imagenet_classes.txt");
const LICENSE: &str = include_str!("../src/weights/LICENSE-torchvision");

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A tensor of the checkpoint.
struct Named {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [checkpoint, folder] = arguments.as_slice() else {
        return Err("usage: convert_weights <mobilenet_v2-b0353104.pth> <out folder>".into());
    };
    let (classifier, backbone): (Vec<_>, Vec<_>) =
        read(checkpoint)?.into_iter().partition(|tensor| tensor.name.starts_with("classifier."));
    let metadata = HashMap::from([
        (SPEC_KEY.to_string(), serde_json::to_string(&spec(&std::fs::read(checkpoint)?))?),
        (LICENSE_KEY.to_string(), LICENSE.to_string()),
    ]);
    let classes: Vec<&str> = CLASSES.lines().filter(|line| !line.starts_with('#')).collect();
    let mut with_classes = metadata.clone();
    with_classes.insert(CLASSES_KEY.into(), serde_json::to_string(&classes)?);

    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    // Some running variances of the norms are too large or too small for f16; the norms are a hundredth of the numbers.
    write(&folder.join("mobilenet_v2.safetensors"), &backbone, metadata.clone(), |tensor| {
        tensor.shape.len() > 1
    })?;
    write(&folder.join("mobilenet_v2.f32.safetensors"), &backbone, metadata, |_| false)?;
    write(&folder.join("mobilenet_v2.classifier.safetensors"), &classifier, with_classes.clone(), |_| true)?;
    write(&folder.join("mobilenet_v2.classifier.f32.safetensors"), &classifier, with_classes, |_| false)
}

/// Every tensor of the checkpoint but the counters of batches, which serve training alone.
fn read(checkpoint: &str) -> Outcome<Vec<Named>> {
    // Names stay as they are in the checkpoint; burn-store would count layers without gaps.
    let mut store = PytorchStore::from_file(checkpoint).map_indices_contiguous(false);
    let mut tensors = Vec::new();
    for (name, tensor) in store.get_all_tensors()? {
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let values = burn_store::bridge::to_data(tensor)?.try_into_vec::<f32>()?;
        tensors.push(Named { name: name.clone(), shape: tensor.shape.to_vec(), values });
    }
    Ok(tensors)
}

/// torchvision's evaluation transform of `MobileNet_V2_Weights.IMAGENET1K_V1`.
fn spec(checkpoint: &[u8]) -> Spec {
    Spec {
        arch: "mobilenet_v2".into(),
        tag: "tv_in1k".into(),
        input_size: 224,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        interpolation: "bilinear".into(),
        crop_pct: 224.0 / 256.0,
        license: "BSD-3-Clause".into(),
        source: "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth".into(),
        sha256: Sha256::digest(checkpoint).iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Writes a safetensors file with its checksum; `narrow` says which tensors become f16.
fn write(
    path: &Path,
    tensors: &[Named],
    mut metadata: HashMap<String, String>,
    narrow: impl Fn(&Named) -> bool,
) -> Outcome<()> {
    let mut encoded = Vec::new();
    for tensor in tensors {
        encoded.push(if narrow(tensor) {
            (Dtype::F16, f16_bytes(tensor)?)
        } else {
            (Dtype::F32, f32_bytes(tensor))
        });
    }
    let mut views = BTreeMap::new();
    for (tensor, (dtype, bytes)) in tensors.iter().zip(&encoded) {
        views.insert(tensor.name.clone(), TensorView::new(*dtype, tensor.shape.clone(), bytes)?);
    }
    metadata.insert(CHECKSUM_KEY.into(), checksum(&metadata, &views));
    let bytes = serialize(views, Some(metadata))?;
    println!("{}: {} tensors, {} bytes", path.display(), tensors.len(), bytes.len());
    Ok(std::fs::write(path, bytes)?)
}

fn f32_bytes(tensor: &Named) -> Vec<u8> {
    tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn f16_bytes(tensor: &Named) -> Outcome<Vec<u8>> {
    let narrow: Vec<f16> = tensor.values.iter().map(|value| f16::from_f32(*value)).collect();
    if narrow.iter().any(|value| !value.is_finite()) {
        return Err(format!("`{}` has a value that f16 cannot hold", tensor.name).into());
    }
    Ok(narrow.iter().flat_map(|value| value.to_le_bytes()).collect())
}
