//! Random weights and images for tests; real ones are large and not always at hand.

use std::collections::{BTreeMap, HashMap};

use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

use super::blocks::ConvShape;
use super::{Backbone, InvertedResidual, Loader, Source, Stage, catalogue};
use crate::error::Result;
use crate::prefix::Activation;
use crate::weights::{CHECKSUM_KEY, SPEC_KEY, Spec, checksum};

/// Shape and values of each tensor.
pub type Named = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A MobileNetV2 weights file of seeded random numbers, after `change` was made to its tensors.
pub fn weights(seed: u64, change: impl Fn(&mut Named)) -> Vec<u8> {
    weights_of("mobilenet_v2", seed, change)
}

/// A weights file of an architecture, as [`weights`].
pub fn weights_of(arch: &str, seed: u64, change: impl Fn(&mut Named)) -> Vec<u8> {
    let (_, mut tensors) = backbone_of(arch, seed);
    change(&mut tensors);
    file(&Spec { arch: arch.into(), ..spec() }, &tensors)
}

/// A weights file of these tensors.
pub fn file(spec: &Spec, tensors: &Named) -> Vec<u8> {
    let encoded: Vec<_> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            (name, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
        })
        .collect();
    let views: BTreeMap<String, TensorView<'_>> = encoded
        .iter()
        .map(|(name, shape, bytes)| {
            (name.to_string(), TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
        })
        .collect();
    let mut metadata = HashMap::from([(SPEC_KEY.to_string(), serde_json::to_string(spec).unwrap())]);
    metadata.insert(CHECKSUM_KEY.into(), checksum(&metadata, &views));
    serialize(views, Some(metadata)).unwrap()
}

/// A backbone of seeded random numbers, and its tensors.
pub fn backbone_of(arch: &str, seed: u64) -> (Backbone, Named) {
    let mut random = Random { numbers: ChaCha8Rng::seed_from_u64(seed), tensors: Named::new() };
    let tensorflow = catalogue::is_tensorflow(arch);
    let architecture = catalogue::find(arch).unwrap();
    let backbone = architecture.build(&mut random, tensorflow).unwrap();
    (backbone, random.tensors)
}

/// A source that makes up every tensor that it is asked for, and keeps it.
struct Random {
    numbers: ChaCha8Rng,
    tensors: Named,
}

impl Source for Random {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let values = values(name, shape, &mut self.numbers);
        self.tensors.insert(name.into(), (shape.to_vec(), values.clone()));
        Ok(values)
    }
}

/// The spec of [`weights`].
pub fn spec() -> Spec {
    Spec {
        arch: "mobilenet_v2".into(),
        tag: "random".into(),
        input_size: 64,
        mean: [0.5; 3],
        std: [0.25; 3],
        interpolation: crate::weights::Interpolation::Bilinear,
        crop_pct: 0.875,
        channels: Default::default(),
        precision: Default::default(),
        license: "CC0-1.0".into(),
        source: "a test".into(),
        sha256: "0".repeat(64),
    }
}

/// Random images, `[batch, 3, side, side]`.
pub fn image(batch: usize, side: usize, device: &Device) -> Tensor<4> {
    let mut random = ChaCha8Rng::seed_from_u64(side as u64);
    let values: Vec<f32> = (0..batch * 3 * side * side).map(|_| random.random_range(-2.0..2.0)).collect();
    Tensor::from_data(TensorData::new(values, [batch, 3, side, side]), device)
}

/// Numbers that keep the maps of a deep network in a usual range.
fn values(name: &str, shape: &[usize], random: &mut ChaCha8Rng) -> Vec<f32> {
    let inputs: usize = shape.iter().skip(1).product();
    let range = match name.rsplit('.').next() {
        Some("weight") if shape.len() == 4 => -(6.0 / inputs as f32).sqrt()..(6.0 / inputs as f32).sqrt(),
        Some("weight") | Some("running_var") => 0.5..1.5,
        _ => -0.5..0.5,
    };
    (0..shape.iter().product()).map(|_| random.random_range(range.clone())).collect()
}

/// A source whose tensors a function gives.
pub struct Given<F>(pub F);

impl<F: FnMut(&str, &[usize]) -> Vec<f32>> Source for Given<F> {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        Ok((self.0)(name, shape))
    }
}

/// A backbone of four small stages, one of each kind, of a source's tensors: `tests/golden/tune/make.py` has it in
/// PyTorch.
pub fn small(source: &mut dyn Source) -> Backbone {
    use Activation::{Linear, Relu6};
    let _device = Device::flex();
    let mut loader = Loader::new(source, false);
    let mut layer = |name: &str, shape: ConvShape, activation| {
        loader.layer(&[format!("{name}.conv"), format!("{name}.norm")], shape, activation).unwrap()
    };
    let stages = vec![
        Stage::Convolution(layer("stem", ConvShape::full(3, 8, 3, 2), Relu6)),
        Stage::InvertedResidual(InvertedResidual {
            expand: None,
            depthwise: layer("narrow_depthwise", ConvShape::depthwise(8, 3, 1), Relu6),
            squeeze: None,
            project: layer("narrow_project", ConvShape::pointwise(8, 8), Linear),
            residual: true,
        }),
        Stage::InvertedResidual(InvertedResidual {
            expand: Some(layer("wide_expand", ConvShape::pointwise(8, 24), Relu6)),
            depthwise: layer("wide_depthwise", ConvShape::depthwise(24, 3, 2), Relu6),
            squeeze: None,
            project: layer("wide_project", ConvShape::pointwise(24, 12), Linear),
            residual: false,
        }),
        Stage::Convolution(layer("last", ConvShape::pointwise(12, 16), Relu6)),
    ];
    Backbone { stages, stem: None }
}

/// [`small`] of seeded random numbers.
pub fn small_random(seed: u64) -> Backbone {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    small(&mut Given(|name: &str, shape: &[usize]| values(name, shape, &mut random)))
}
