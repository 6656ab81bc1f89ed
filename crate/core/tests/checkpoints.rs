//! Weights files of other tools, good ones and bad ones. `src/weights/fuzz.rs` changes them at random.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use rekindle::Spec;
use rekindle::weights::{SPEC_KEY, Tensors, quantise, sealed};
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
    for name in [
        "zip.pth",
        "legacy.pth",
        "f16.pth",
        "bf16.pth",
        "training.pth",
        "wrapped.pth",
        "transposed.pth",
        "before_0_4.pth",
    ] {
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

/// What each bad file is refused for: another reason would mean that what it is there for is not seen.
const REASONS: [(&str, &str); 29] = [
    ("bad_backwards.safetensors", "invalid offset"),
    ("bad_beyond.safetensors", "not fully covered"),
    ("bad_big_endian.pth", "big-endian"),
    ("bad_compressed.pth", "compression"),
    ("bad_copies.pth", "more numbers than it has"),
    ("bad_empty.safetensors", "JSON"),
    ("bad_expanded.pth", "not where the file says"),
    ("bad_gap.safetensors", "invalid offset"),
    ("bad_harmful.pth", "system"),
    ("bad_harmful_legacy.pth", "system"),
    ("bad_header_beyond.safetensors", "header length"),
    ("bad_huge_header.safetensors", "header too large"),
    ("bad_json.safetensors", "JSON"),
    ("bad_list.pth", "no dictionary"),
    ("bad_long_name.pth", "longer than"),
    ("bad_module.pth", "__main__.Model"),
    ("bad_negative.safetensors", "JSON"),
    ("bad_not_utf8.safetensors", "UTF-8"),
    ("bad_offset_overflow.safetensors", "offset"),
    ("bad_other_shape.safetensors", "shape"),
    ("bad_overflow.pth", "not where the file says"),
    ("bad_overflow.safetensors", "overflow"),
    ("bad_overlap.safetensors", "invalid offset"),
    ("bad_parameter.pth", "malformed"),
    ("bad_plain_pickle.pth", "no such file"),
    ("bad_storage_missing.pth", "not where the file says"),
    ("bad_storage_short.pth", "not where the file says"),
    ("bad_two_pickles.pth", "more than one"),
    ("bad_type.safetensors", "F33"),
];

#[test]
fn bad_files_are_refused_with_a_reason() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with("bad_") {
            continue;
        }
        let bytes = read(&name);
        let Err(error) = Tensors::read_foreign(&bytes, spec()) else { panic!("{name} was read") };
        assert_eq!(error.code(), "WEIGHTS_FORMAT", "{name}");
        let (_, reason) = REASONS.iter().find(|(file, _)| *file == name).unwrap();
        assert!(error.to_string().contains(reason), "{name}: {error}");
        seen += 1;
    }
    assert_eq!(seen, REASONS.len());
}

/// A safetensors file begins with the length of its header, whose first byte may be that of a pickle.
#[test]
fn a_safetensors_file_of_any_length_is_none_of_pytorch() {
    let data: Vec<u8> = (0..12).flat_map(|at| (at as f32).to_le_bytes()).collect();
    let views =
        BTreeMap::from([("layer.weight".into(), TensorView::new(Dtype::F32, vec![3, 4], &data).unwrap())]);
    let spec = serde_json::to_string(&spec()).unwrap();
    let mut like_pickles = 0;
    for length in 0..512 {
        let filler = "x".repeat(length);
        let foreign = rekindle::weights::write(&views, &[("filler", filler.clone())]).unwrap();
        assert!(Tensors::are_foreign(&foreign));
        let mut tensors = Tensors::read_foreign(&foreign, self::spec()).unwrap();
        assert_eq!(tensors.take("layer.weight", &[3, 4]).unwrap()[11], 11.0);
        let own = sealed(&views, vec![(SPEC_KEY, spec.clone()), ("filler", filler)]).unwrap();
        assert!(!Tensors::are_foreign(&own), "{length}");
        Tensors::read(&own).unwrap();
        like_pickles += [&foreign, &own].iter().filter(|file| file[0] == 0x80).count();
    }
    assert!(like_pickles > 8, "{like_pickles}");
}

#[test]
fn files_that_are_cut_off_anywhere_are_refused() {
    for name in ["zip.pth", "legacy.pth", "before_0_4.pth"] {
        let bytes = read(name);
        for end in 0..bytes.len() {
            let error = Tensors::read_foreign(&bytes[..end], spec()).unwrap_err();
            assert_eq!(error.code(), "WEIGHTS_FORMAT", "{name} cut at {end}");
        }
    }
}
