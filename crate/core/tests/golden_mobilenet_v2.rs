//! MobileNetV2 against ONNX Runtime: `tests/golden/mobilenet_v2/README.md` says what is compared and how closely.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use rekindle::backbone::Backbone;
use rekindle::image::{Pixels, Preprocess};
use rekindle::prefix::CpuPrefix;
use rekindle::weights::{CLASSES_KEY, Tensors};
use safetensors::SafeTensors;

const PHOTOS: [&str; 3] = ["fish_02", "mammal_03", "tool_06"];
const SIDE: usize = 224;

/// The values that `make.py` kept.
struct Expected(Vec<u8>);

impl Expected {
    fn read() -> Self {
        Self(std::fs::read(folder().join("expected.safetensors")).unwrap())
    }

    fn values(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let data = file.tensor(name).unwrap();
        data.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    /// Compares 1024 values of a stage and its mean absolute value.
    fn check_stage(&self, photo: &str, stage: usize, found: &[f32], tolerance: f32) {
        let name = format!("{photo}.stage_{stage:02}");
        let sample: Vec<f32> = (0..1024).map(|index| found[index * found.len() / 1024]).collect();
        check(&name, &sample, &self.values(&name), tolerance);
        let mean = found.iter().map(|value| f64::from(value.abs())).sum::<f64>() / found.len() as f64;
        let name = format!("{name}.mean_abs");
        check(&name, &[mean as f32], &self.values(&name), tolerance);
    }

    /// Compares the embedding and the logits that a classifier gives for it.
    fn check_embedding(
        &self,
        photo: &str,
        found: &[f32],
        classifier: &Classifier,
        tolerance: f32,
    ) -> Vec<f32> {
        let name = format!("{photo}.embedding");
        check(&name, found, &self.values(&name), tolerance);
        let logits = classifier.logits(found);
        let name = format!("{photo}.logits");
        check(&name, &logits, &self.values(&name), tolerance);
        logits
    }
}

struct Classifier {
    weight: Vec<f32>,
    bias: Vec<f32>,
    classes: Vec<String>,
}

impl Classifier {
    fn read(file: &[u8]) -> Self {
        let mut tensors = Tensors::read(file).unwrap();
        let classes = serde_json::from_str(tensors.metadata(CLASSES_KEY).unwrap()).unwrap();
        let weight = tensors.take("classifier.1.weight", &[1000, 1280]).unwrap();
        let bias = tensors.take("classifier.1.bias", &[1000]).unwrap();
        tensors.finish().unwrap();
        Self { weight, bias, classes }
    }

    fn logits(&self, embedding: &[f32]) -> Vec<f32> {
        let dot =
            |row: &[f32]| row.iter().zip(embedding).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
        self.weight.chunks_exact(1280).zip(&self.bias).map(|(row, bias)| dot(row) as f32 + bias).collect()
    }
}

fn check(name: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let errors = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let largest = errors.fold(0.0, |most, error| if error > most || error.is_nan() { error } else { most });
    assert!(largest <= tolerance, "{name} differs by {largest}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/mobilenet_v2")
}

/// Unrounded weights, which `cargo xtask weights` keeps in the cache.
fn reference(file: &str) -> Vec<u8> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("REKINDLE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|caches| caches.join("rekindle")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/rekindle")))
        .unwrap();
    read(&cache.join("weights").join(file))
}

/// Weights as the package ships them.
fn shipped(file: &str) -> Vec<u8> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkg/weights").join(file))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask weights` first", path.display()))
}

fn load(weights: &[u8]) -> Backbone {
    Backbone::load(Tensors::read(weights).unwrap()).unwrap()
}

/// A photo's crop, normalised, `[224, 224, 3]`.
fn image(photo: &str, weights: &[u8]) -> Vec<f32> {
    let image = image::open(folder().join(format!("{photo}.png"))).unwrap().into_rgb8();
    let pixels = Pixels::from_rgb(image.width(), image.height(), image.into_raw()).unwrap();
    let tensors = Tensors::read(weights).unwrap();
    Preprocess::new(tensors.spec(), SIDE as u32).normalise(&pixels)
}

fn prefix(backbone: &Backbone, cut: usize) -> CpuPrefix {
    CpuPrefix::compile(&backbone.lower(cut).unwrap(), SIDE).unwrap()
}

#[test]
fn every_stage_of_the_module_agrees() {
    let (expected, weights) = (Expected::read(), reference("mobilenet_v2.f32.safetensors"));
    let classifier = Classifier::read(&reference("mobilenet_v2.classifier.f32.safetensors"));
    let backbone = load(&weights);
    for photo in PHOTOS {
        let image = TensorData::new(image(photo, &weights), [1, SIDE, SIDE, 3]);
        let mut map = Tensor::<4>::from_data(image, &Device::flex()).permute([0, 3, 1, 2]);
        for stage in 0..backbone.len() {
            map = backbone.forward(map, stage..stage + 1);
            expected.check_stage(photo, stage, &map.to_data().try_to_vec().unwrap(), 1e-3);
        }
        let embedding: Vec<f32> = backbone.pool(map).into_data().try_to_vec().unwrap();
        expected.check_embedding(photo, &embedding, &classifier, 1e-3);
    }
}

#[test]
fn every_stage_of_the_plan_agrees() {
    let (expected, weights) = (Expected::read(), reference("mobilenet_v2.f32.safetensors"));
    let classifier = Classifier::read(&reference("mobilenet_v2.classifier.f32.safetensors"));
    let backbone = load(&weights);
    for cut in 1..backbone.len() {
        let prefix = prefix(&backbone, cut);
        for photo in PHOTOS {
            let map = prefix.run(&image(photo, &weights)).unwrap();
            expected.check_stage(photo, cut - 1, &map, 1e-3);
        }
    }
    let images: Vec<f32> = PHOTOS.iter().flat_map(|photo| image(photo, &weights)).collect();
    let embeddings = prefix(&backbone, backbone.len()).run(&images).unwrap();
    for (photo, embedding) in PHOTOS.iter().zip(embeddings.chunks_exact(1280)) {
        expected.check_embedding(photo, embedding, &classifier, 1e-3);
    }
}

#[test]
fn the_shipped_weights_agree_and_name_the_same_class() {
    let (expected, weights) = (Expected::read(), shipped("mobilenet_v2.safetensors"));
    let classifier = Classifier::read(&shipped("mobilenet_v2.classifier.safetensors"));
    let prefix = prefix(&load(&weights), 19);
    let top = |logits: &[f32]| (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
    let mut named = Vec::new();
    for photo in PHOTOS {
        let embedding = prefix.run(&image(photo, &weights)).unwrap();
        let logits = expected.check_embedding(photo, &embedding, &classifier, 3e-2);
        assert_eq!(top(&logits), top(&expected.values(&format!("{photo}.logits"))), "{photo}");
        named.push(classifier.classes[top(&logits)].as_str());
    }
    assert_eq!(named, ["coral reef", "lesser panda", "ballpoint"]);
}

#[test]
fn shipped_weights_that_are_cut_off_or_altered_are_refused() {
    let weights = shipped("mobilenet_v2.safetensors");
    for end in [0, 100, weights.len() / 2, weights.len() - 1] {
        assert_eq!(Tensors::read(&weights[..end]).unwrap_err().code(), "WEIGHTS_FORMAT", "cut at {end}");
    }
    for at in (0..weights.len()).step_by(weights.len() / 20) {
        let mut altered = weights.clone();
        altered[at] ^= 1;
        assert_eq!(Tensors::read(&altered).unwrap_err().code(), "WEIGHTS_FORMAT", "altered at {at}");
    }
}
