//! The backbones with real weights against PyTorch, MobileNetV2 against ONNX Runtime: `tests/golden/real_backbones/README.md` says more.
//! The errors are in `docs/verification.md`; `REKINDLE_WRITE=1 cargo nextest run -p rekindle --test golden_real_backbones` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

mod verification;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;
use rekindle::backbone::{Backbone, Classifier};
use rekindle::image::{Pixels, Preprocess};
use rekindle::prefix::{Arithmetic, CpuPrefix};
use rekindle::weights::{Description, Tensors};
use rekindle::{Embedder, Spec};
use safetensors::SafeTensors;

const PHOTOS: [&str; 3] = ["fish_02", "mammal_03", "tool_06"];
const SIDE: usize = 224;

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(path)
}

/// A converted file, which `cargo xtask weights` keeps in the cache.
fn weights(file: &str) -> Vec<u8> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("REKINDLE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|caches| caches.join("rekindle")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/rekindle")))
        .unwrap();
    let path = cache.join("weights").join(file);
    std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask weights` first", path.display()))
}

/// What `make.py` kept; MobileNetV2's is in a folder of its own, with its stages.
fn expected(arch: &str, name: &str) -> Vec<f32> {
    let (file, name) = match arch {
        "mobilenet_v2" => ("mobilenet_v2/expected.safetensors", name.to_owned()),
        _ => ("real_backbones/expected.safetensors", format!("{arch}.{name}")),
    };
    let bytes = std::fs::read(golden(file)).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let data = file.tensor(&name).unwrap();
    data.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The largest difference, in parts of the largest value.
fn error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let errors = found.iter().zip(expected).map(|(a, b)| (a - b).abs() / scale);
    errors.fold(0.0, |most, error| if error > most || error.is_nan() { error } else { most })
}

fn top(logits: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    order.truncate(count);
    order
}

/// Of embedding and logits of the plan with unrounded weights, of the embedding computed in whole numbers as browsers do, and of those
/// with the two files that are shipped (f16 with norms and biases in f32, and int8): how far each may be off.
const TOLERANCES: [f32; 5] = [1e-3, 1e-3, 1e-3, 3e-2, 1e-1];

fn plan(bytes: &[u8], arithmetic: Arithmetic) -> CpuPrefix {
    let backbone = Backbone::load(Tensors::read(bytes).unwrap()).unwrap();
    CpuPrefix::compile_for(&backbone.lower(backbone.len()).unwrap(), SIDE, arithmetic).unwrap()
}

/// The largest errors over the photos, in the order of [`TOLERANCES`].
fn errors(arch: &str) -> [f32; 5] {
    let bytes = weights(&format!("{arch}.f32.safetensors"));
    let tensors = Tensors::read(&bytes).unwrap();
    let preprocess = Preprocess::new(tensors.spec(), SIDE as u32);
    let classifier = weights(&format!("{arch}.classifier.f32.safetensors"));
    let classifier = Classifier::read(&classifier, tensors.spec()).unwrap();
    let backbone = Backbone::load(tensors).unwrap();
    let plans = [
        ("f32.", Arithmetic::Float),
        ("f32.", Arithmetic::Integer),
        ("", Arithmetic::Float),
        ("int8.", Arithmetic::Float),
    ];
    let plans = plans.map(|(kind, numbers)| plan(&weights(&format!("{arch}.{kind}safetensors")), numbers));
    let mut worst = [0.0f32; 5];
    for photo in PHOTOS {
        let image = image::open(golden(&format!("mobilenet_v2/{photo}.png"))).unwrap().into_rgb8();
        let pixels = Pixels::from_rgb(image.width(), image.height(), image.into_raw()).unwrap();
        let values = preprocess.normalise(&pixels);
        let embedding = expected(arch, &format!("{photo}.embedding"));
        let [unrounded, integers, half, int8] =
            plans.each_ref().map(|plan| error(&plan.run(&values).unwrap(), &embedding));
        let input = Tensor::<4>::from_data(TensorData::new(values, [1, SIDE, SIDE, 3]), &Device::flex());
        let map = backbone.forward(input.permute([0, 3, 1, 2]), 0..backbone.len()).into_data();
        let logits = classifier.logits(&map.try_to_vec::<f32>().unwrap()).unwrap();
        let wanted = expected(arch, &format!("{photo}.logits"));
        assert_eq!(top(&logits, 5), top(&wanted, 5), "{arch} {photo}");
        let found = [unrounded, error(&logits, &wanted), integers, half, int8];
        worst.iter_mut().zip(found).for_each(|(worst, error)| *worst = worst.max(error));
    }
    for (error, tolerance) in worst.iter().zip(TOLERANCES) {
        assert!(*error <= tolerance, "{arch}: {worst:?}");
    }
    worst
}

const SECTION: &str = "golden_real_backbones";
const REAL: [&str; 5] =
    ["mobilenet_v2", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet1_1"];

fn agrees(arch: &str) {
    let row = |arch: &str| (arch.to_owned(), errors(arch).to_vec());
    if !verification::writing() {
        verification::check(SECTION, &[row(arch)]);
    } else if arch == REAL[0] {
        let title =
            ["weights", "embedding", "logits", "in whole numbers", "embedding, f16", "embedding, int8"];
        verification::write(SECTION, &title, &REAL.map(row));
    }
}

#[test]
fn mobilenet_v2_agrees() {
    agrees("mobilenet_v2");
}

#[test]
fn efficientnet_lite0_agrees() {
    agrees("efficientnet_lite0");
}

#[test]
fn efficientnet_lite1_agrees() {
    agrees("efficientnet_lite1");
}

#[test]
fn efficientnet_lite2_agrees() {
    agrees("efficientnet_lite2");
}

#[test]
fn squeezenet_agrees() {
    agrees("squeezenet1_1");
}

/// The original file, which holds a classifier too, as a user brings it: PyTorch's format from before version 1.6.
#[test]
fn original_checkpoints_give_what_the_converted_ones_give() {
    for (arch, file) in [
        ("mobilenet_v2", "mobilenet_v2-b0353104.pth"),
        ("efficientnet_lite0", "efficientnet-lite0-57934424.pth"),
    ] {
        let converted = weights(&format!("{arch}.f32.safetensors"));
        let converted = Tensors::read(&converted).unwrap();
        let spec = converted.spec().clone();
        let original = weights(file);
        let original = Tensors::read_foreign(&original, spec.clone()).unwrap();
        let image: Vec<f32> = (0..64 * 64 * 3).map(|at| (at * 37 % 251) as f32 / 125.0 - 1.0).collect();
        let [a, b] = [converted, original].map(|tensors| {
            let backbone = Backbone::load(tensors).unwrap();
            let plan = backbone.lower(backbone.len()).unwrap();
            CpuPrefix::compile(&plan, 64).unwrap().run(&image).unwrap()
        });
        assert_eq!(a, b, "{arch}");
        // The classifier in it is the converted one, and its classes have the same names.
        let description = Description { arch: Some(arch.into()), ..Description::default() };
        let embedder =
            block_on(Embedder::open(&weights(file), &description, rekindle::Device::Cpu, Some(64)));
        let classifier = weights(&format!("{arch}.classifier.f32.safetensors"));
        let classifier = Classifier::read(&classifier, &spec).unwrap();
        let map: Vec<f32> = image.iter().take(1280).map(|value| value + 1.0).collect();
        let own = embedder.unwrap().classifier().unwrap().classify(&map, 1000).unwrap();
        assert_eq!(own, classifier.classify(&map, 1000).unwrap(), "{arch}");
        // Another architecture's file is refused, and says what it may have been meant as.
        let other = Spec { arch: "resnet18".into(), ..spec };
        let bytes = weights(file);
        let error = Backbone::load(Tensors::read_foreign(&bytes, other).unwrap()).unwrap_err();
        assert_eq!(error.code(), "WEIGHTS_MISMATCH");
        assert!(error.to_string().contains("closest"), "{error}");
    }
}
