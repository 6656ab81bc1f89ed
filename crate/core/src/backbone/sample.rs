//! Random weights and images for tests; real ones are large and not always at hand.

use std::collections::{BTreeMap, HashMap};

use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

use super::blocks::ConvShape;
use super::{Backbone, ConvNorm, InvertedResidual, Stage, Take, mobilenet_v2};
use crate::weights::{CHECKSUM_KEY, SPEC_KEY, Spec, checksum};

/// Shape and values of each tensor.
pub type Named = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A MobileNetV2 weights file of seeded random numbers, after `change` was made to its tensors.
pub fn weights(seed: u64, change: impl Fn(&mut Named)) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut tensors = Named::new();
    mobilenet_v2::build(
        &mut |name, shape| {
            let values = values(name, shape, &mut random);
            tensors.insert(name.into(), (shape.to_vec(), values.clone()));
            Ok(values)
        },
        &Device::flex(),
    )
    .unwrap();
    change(&mut tensors);
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
    let mut metadata = HashMap::from([(SPEC_KEY.to_string(), serde_json::to_string(&spec()).unwrap())]);
    metadata.insert(CHECKSUM_KEY.into(), checksum(&metadata, &views));
    serialize(views, Some(metadata)).unwrap()
}

/// The spec of [`weights`].
pub fn spec() -> Spec {
    Spec {
        arch: "mobilenet_v2".into(),
        tag: "random".into(),
        input_size: 64,
        mean: [0.5; 3],
        std: [0.25; 3],
        interpolation: "bilinear".into(),
        crop_pct: 0.875,
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

/// A backbone of four small stages, one of each kind, whose tensors `take` gives: `tests/golden/tune/make.py` has it in
/// PyTorch.
pub fn small(take: &mut Take<'_>) -> Backbone {
    let device = Device::flex();
    let mut layer = |name: &str, shape: ConvShape, relu6: bool| {
        ConvNorm::load(take, [&format!("{name}.conv"), &format!("{name}.norm")], shape, relu6, &device)
            .unwrap()
    };
    let stem = ConvShape { input: 3, output: 8, kernel: 3, stride: 2, groups: 1 };
    let stages = vec![
        Stage::Convolution(layer("stem", stem, true)),
        Stage::InvertedResidual(InvertedResidual::new(
            None,
            layer("narrow_depthwise", ConvShape::depthwise(8, 1), true),
            layer("narrow_project", ConvShape::pointwise(8, 8), false),
            true,
        )),
        Stage::InvertedResidual(InvertedResidual::new(
            Some(layer("wide_expand", ConvShape::pointwise(8, 24), true)),
            layer("wide_depthwise", ConvShape::depthwise(24, 2), true),
            layer("wide_project", ConvShape::pointwise(24, 12), false),
            false,
        )),
        Stage::Convolution(layer("last", ConvShape::pointwise(12, 16), true)),
    ];
    Backbone { stages }
}

/// [`small`] of seeded random numbers.
pub fn small_random(seed: u64) -> Backbone {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    small(&mut |name, shape| Ok(values(name, shape, &mut random)))
}
