//! Whole files as torchvision and timm write them, by the names and shapes of `tests/golden/state_dicts`: everything in them has its place,
//! and what is missing or one too many is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

#[path = "made_up/mod.rs"]
mod made_up;

use std::path::Path;

use pollster::block_on;
use rekindle::backbone::{Backbone, catalogue};
use rekindle::weights::{Description, Tensors, Views, write};
use rekindle::{Device, Embedder, Error, Result, Spec};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// Name and shape of each tensor.
type State = Vec<(String, Vec<usize>)>;

/// The state dictionary of each model, as `torchvision/resnet18`.
fn models() -> Vec<(String, State)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/state_dicts");
    let text = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
    let mut models: Vec<(String, State)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(model) => models.push((model.into(), State::new())),
            None => {
                let (name, shape) = line.split_once(' ').unwrap_or((line, ""));
                let sides = shape.split(',').filter(|side| !side.is_empty());
                let shape = sides.map(|side| side.parse().unwrap()).collect();
                models.last_mut().unwrap().1.push((name.into(), shape));
            }
        }
    }
    models
}

/// A file of zeros in half precision; counters are whole numbers.
fn file(state: &State) -> Vec<u8> {
    let kind = |name: &str| if name.ends_with("num_batches_tracked") { Dtype::I64 } else { Dtype::F16 };
    let bytes =
        |(name, shape): &(String, Vec<usize>)| shape.iter().product::<usize>() * kind(name).bitsize() / 8;
    let zeros = vec![0; state.iter().map(bytes).max().unwrap()];
    let views: Views<'_> = state
        .iter()
        .map(|tensor| {
            let (name, shape) = tensor;
            (name.clone(), TensorView::new(kind(name), shape.clone(), &zeros[..bytes(tensor)]).unwrap())
        })
        .collect();
    write(&views, &[]).unwrap()
}

fn load(arch: &str, state: &State) -> Result<Backbone> {
    let bytes = file(state);
    let tensors = Tensors::read_foreign(&bytes, Spec { arch: arch.into(), ..made_up::spec(64) })?;
    Backbone::load(tensors)
}

/// Also the classifier: where it is of one layer it can be used as it is; those of VGG, AlexNet and MobileNetV3 have more.
#[test]
fn every_tensor_of_every_file_has_its_place() {
    let models = models();
    assert_eq!(models.len(), 21);
    for (model, state) in models {
        let (_, arch) = model.split_once('/').unwrap();
        let description = Description { arch: Some(arch.into()), ..Description::default() };
        let embedder = block_on(Embedder::open(&file(&state), &description, Device::Cpu, Some(64)))
            .unwrap_or_else(|error| panic!("{model}: {error}"));
        assert_eq!(embedder.stages(), catalogue::find(arch).unwrap().stages, "{model}");
        let layers = ["vgg", "alexnet", "mobilenet_v3", "mobilenetv3"].iter().any(|name| arch.contains(name));
        let classifier = embedder.classifier();
        assert_eq!(classifier.is_err(), layers, "{model}");
        if let Ok(classifier) = classifier {
            let named = classifier.classify(&vec![1.0; embedder.feature_len()], 3).unwrap();
            assert_eq!(named.len(), 3, "{model}");
        }
    }
}

#[test]
fn what_is_missing_or_one_too_many_is_named() {
    for (model, state) in models() {
        let (_, arch) = model.split_once('/').unwrap();
        let named = |state: &State| match load(arch, state).unwrap_err() {
            Error::WeightsMismatch { tensor, found, .. } => (tensor, found),
            other => panic!("{model}: {other}"),
        };
        // Without the classifier, which is the largest part of some.
        let body: State = state.iter().filter(|(name, _)| !name.contains("classifier")).cloned().collect();
        let half = body.iter().skip(body.len() / 2).find(|(name, _)| name.ends_with("weight")).unwrap();
        let less: State = body.iter().filter(|tensor| *tensor != half).cloned().collect();
        let (tensor, found) = named(&less);
        assert_eq!(tensor, half.0, "{model}");
        assert!(found.starts_with("absent; the closest names are"), "{model}: {found}");
        let other: State = body.iter().map(|(name, shape)| (name.clone(), shape.clone())).collect();
        let more = [other, vec![("attention.weight".into(), vec![3, 4])]].concat();
        assert_eq!(named(&more), ("attention.weight".into(), "[3, 4]".into()), "{model}");
    }
}
