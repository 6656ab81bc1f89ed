//! Weights files of other tools: good ones, bad ones, and good ones that were changed at random.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle::Spec;
use rekindle::weights::{Tensors, quantise};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/checkpoints")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn spec() -> Spec {
    Spec {
        arch: "mobilenet_v2".into(),
        tag: "test".into(),
        input_size: 64,
        mean: [0.5; 3],
        std: [0.5; 3],
        interpolation: rekindle::weights::Interpolation::Bilinear,
        crop_pct: 1.0,
        channels: Default::default(),
        precision: Default::default(),
        license: "CC0-1.0".into(),
        source: "a test".into(),
        sha256: "0".repeat(64),
    }
}

/// A safetensors file of another tool, which has no metadata.
fn safetensors() -> Vec<u8> {
    let data: Vec<u8> = (0..12).flat_map(|at| (at as f32 / 4.0 - 1.0).to_le_bytes()).collect();
    let views = BTreeMap::from([("layer.weight", TensorView::new(Dtype::F32, vec![3, 4], &data).unwrap())]);
    serialize(views, None::<HashMap<String, String>>).unwrap()
}

/// The same as int8, with its scales.
fn int8() -> Vec<u8> {
    let values: Vec<f32> = (0..12).map(|at| at as f32 / 4.0 - 1.0).collect();
    let (numbers, scales) = quantise(&values, 3);
    let scales: Vec<u8> = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
    let views = BTreeMap::from([
        ("layer.weight", TensorView::new(Dtype::I8, vec![3, 4], &numbers).unwrap()),
        ("layer.weight.scale", TensorView::new(Dtype::F32, vec![3], &scales).unwrap()),
    ]);
    serialize(views, None::<HashMap<String, String>>).unwrap()
}

#[test]
fn every_format_and_type_gives_the_same_numbers() {
    for name in
        ["zip.pth", "legacy.pth", "f16.pth", "bf16.pth", "training.pth", "wrapped.pth", "transposed.pth"]
    {
        let bytes = read(name);
        let mut tensors =
            Tensors::read_foreign(&bytes, spec()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let weight: Vec<f32> = (0..12).map(|at| at as f32 / 4.0 - 1.0).collect();
        assert_eq!(tensors.take("layer.weight", &[3, 4]).unwrap(), weight, "{name}");
        assert_eq!(tensors.take("layer.bias", &[3]).unwrap(), [0.5, -2.0, 8.0], "{name}");
        assert_eq!(tensors.take("norm.weight", &[2]).unwrap(), [4.0, 5.0], "{name}");
        // The counter of batches is a whole number that only training needs.
        tensors.finish().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let bytes = int8();
    let mut tensors = Tensors::read_foreign(&bytes, spec()).unwrap();
    let found = tensors.take("layer.weight", &[3, 4]).unwrap();
    assert!(found.iter().enumerate().all(|(at, value)| (value - (at as f32 / 4.0 - 1.0)).abs() < 0.02));
    tensors.finish().unwrap();
    let bytes = safetensors();
    let mut tensors = Tensors::read_foreign(&bytes, spec()).unwrap();
    assert_eq!(tensors.take("layer.weight", &[3, 4]).unwrap()[..2], [-1.0, -0.75]);
}

#[test]
fn bad_files_are_refused_with_a_reason() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("bad_") {
            let error = Tensors::read_foreign(&read(&name), spec()).unwrap_err();
            assert_eq!(error.code(), "WEIGHTS_FORMAT", "{name}");
            println!("{name}: {error}");
            seen += 1;
        }
    }
    assert_eq!(seen, 11);
    let error = Tensors::read_foreign(&read("bad_harmful.pth"), spec()).unwrap_err().to_string();
    assert!(error.contains("system"), "{error}");
}

#[test]
fn files_that_are_cut_off_anywhere_are_refused() {
    for name in ["zip.pth", "legacy.pth"] {
        let bytes = read(name);
        for end in 0..bytes.len() {
            let error = Tensors::read_foreign(&bytes[..end], spec()).unwrap_err();
            assert_eq!(error.code(), "WEIGHTS_FORMAT", "{name} cut at {end}");
        }
    }
}

/// Changes of a few bytes, cuts, repetitions and pieces of other files: nothing may panic, hang or take much memory, and what
/// is refused has a code.
#[test]
fn files_that_were_changed_at_random_give_tensors_or_a_typed_error() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut corpus: Vec<Vec<u8>> =
        ["zip.pth", "legacy.pth", "training.pth", "bad_plain_pickle.pth"].map(read).into();
    corpus.extend([safetensors(), int8()]);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..500_000 {
        let mut bytes = corpus[round % corpus.len()].clone();
        for _ in 0..random.random_range(1..8) {
            let at = random.random_range(0..bytes.len());
            let other = &corpus[random.random_range(0..corpus.len())];
            match random.random_range(0..5) {
                0 => bytes[at] = random.random(),
                1 => bytes[at] ^= 1 << random.random_range(0..8),
                2 => bytes.truncate(at.max(1)),
                3 => {
                    let piece = other[random.random_range(0..other.len())..].iter().take(32).copied();
                    bytes.splice(at..at, piece.collect::<Vec<_>>());
                }
                _ => {
                    let value = [0, 1, 0x7fff_ffff, u32::MAX][random.random_range(0..4)].to_le_bytes();
                    let end = bytes.len().min(at + 4);
                    bytes[at..end].copy_from_slice(&value[..end - at]);
                }
            }
        }
        match Tensors::read_foreign(&bytes, spec()) {
            Ok(mut tensors) => {
                accepted += 1;
                let _ = tensors.take("layer.weight", &[3, 4]);
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.code(), "WEIGHTS_FORMAT", "{error}");
            }
        }
    }
    // Were all of them refused at the first byte, nothing behind it would have been tried.
    assert!(accepted > 100 && refused > 1000, "{accepted} accepted, {refused} refused");
}
