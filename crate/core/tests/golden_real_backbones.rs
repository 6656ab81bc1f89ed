//! EfficientNet-Lite and SqueezeNet with real weights against PyTorch: `tests/golden/real_backbones/README.md` says more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use rekindle::Spec;
use rekindle::backbone::{Backbone, Classifier};
use rekindle::image::{Pixels, Preprocess};
use rekindle::prefix::CpuPrefix;
use rekindle::weights::Tensors;
use safetensors::SafeTensors;

const PHOTOS: [&str; 3] = ["fish_02", "mammal_03", "tool_06"];
const SIDE: usize = 224;
const LESSER_PANDA: usize = 387;
const HAMMER: usize = 587;

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

fn expected(name: &str) -> Vec<f32> {
    let bytes = std::fs::read(golden("real_backbones/expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let data = file.tensor(name).unwrap();
    data.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[track_caller]
fn check(name: &str, found: &[f32], tolerance: f32) {
    let expected = expected(name);
    assert_eq!(found.len(), expected.len(), "{name}");
    let scale = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let errors = found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / scale);
    let largest = errors.fold(0.0, |most, error| if error > most || error.is_nan() { error } else { most });
    println!("{name}: {largest:.1e}");
    assert!(largest <= tolerance, "{name} differs by {largest}");
}

fn top(logits: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    order.truncate(count);
    order
}

fn agrees(arch: &str) {
    let bytes = weights(&format!("{arch}.f32.safetensors"));
    let tensors = Tensors::read(&bytes).unwrap();
    let preprocess = Preprocess::new(tensors.spec(), SIDE as u32);
    let classifier = weights(&format!("{arch}.classifier.f32.safetensors"));
    let classifier = Classifier::read(&classifier, tensors.spec()).unwrap();
    let backbone = Backbone::load(tensors).unwrap();
    let prefix = CpuPrefix::compile(&backbone.lower(backbone.len()).unwrap(), SIDE).unwrap();
    // The file that is shipped: f16, norms and biases f32.
    let shipped = weights(&format!("{arch}.safetensors"));
    let rounded = Backbone::load(Tensors::read(&shipped).unwrap()).unwrap();
    let rounded = CpuPrefix::compile(&rounded.lower(rounded.len()).unwrap(), SIDE).unwrap();
    let bytes = weights(&format!("{arch}.int8.safetensors"));
    let int8 = Backbone::load(Tensors::read(&bytes).unwrap()).unwrap();
    let int8 = CpuPrefix::compile(&int8.lower(int8.len()).unwrap(), SIDE).unwrap();
    for photo in PHOTOS {
        let image = image::open(golden(&format!("mobilenet_v2/{photo}.png"))).unwrap().into_rgb8();
        let pixels = Pixels::from_rgb(image.width(), image.height(), image.into_raw()).unwrap();
        let values = preprocess.normalise(&pixels);
        let embedding = prefix.run(&values).unwrap();
        check(&format!("{arch}.{photo}.embedding"), &embedding, 1e-3);
        check(&format!("{arch}.{photo}.embedding"), &rounded.run(&values).unwrap(), 3e-2);
        check(&format!("{arch}.{photo}.embedding"), &int8.run(&values).unwrap(), 1e-1);
        let input = Tensor::<4>::from_data(TensorData::new(values, [1, SIDE, SIDE, 3]), &Device::flex());
        let map = backbone.forward(input.permute([0, 3, 1, 2]), 0..backbone.len()).into_data();
        let logits = classifier.logits(&map.try_to_vec::<f32>().unwrap()).unwrap();
        check(&format!("{arch}.{photo}.logits"), &logits, 1e-3);
        let five = top(&logits, 5);
        assert_eq!(five, top(&expected(&format!("{arch}.{photo}.logits")), 5), "{photo}");
        match photo {
            "mammal_03" => assert_eq!(five[0], LESSER_PANDA, "{arch}"),
            "tool_06" => assert!(five.contains(&HAMMER) || arch == "squeezenet1_1", "{arch}: {five:?}"),
            _ => {}
        }
    }
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
        // Another architecture's file is refused, and says what it may have been meant as.
        let other = Spec { arch: "resnet18".into(), ..spec };
        let bytes = weights(file);
        let error = Backbone::load(Tensors::read_foreign(&bytes, other).unwrap()).unwrap_err();
        assert_eq!(error.code(), "WEIGHTS_MISMATCH");
        assert!(error.to_string().contains("closest"), "{error}");
    }
}
