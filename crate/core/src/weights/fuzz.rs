//! Every parser of weights against files that were changed or made at random, with fixed seeds: nothing may panic or hang, what is
//! refused has a code, and neither is nearly everything refused nor nearly everything read.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::bytes::Bytes;
use super::pickle::{Object, Pickle};
use super::stored::Views;
use super::{Description, Spec, Tensors, pytorch};
use crate::backbone::sample;
use crate::error::{Error, Result};

fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/checkpoints");
    std::fs::read(folder.join(name)).unwrap()
}

/// How many were read and how many refused.
#[derive(Debug, Default)]
struct Counts {
    read: usize,
    refused: usize,
    /// Of those refused, for what the zip itself is.
    in_the_zip: usize,
}

impl Counts {
    fn add<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(read) => {
                self.read += 1;
                Some(read)
            }
            Err(error) => {
                assert_eq!(error.code(), "WEIGHTS_FORMAT", "{error}");
                self.refused += 1;
                self.in_the_zip += usize::from(error.to_string().contains("its zip"));
                None
            }
        }
    }

    /// Of each at least this many; were all refused at the first byte, nothing behind it would have been tried.
    #[track_caller]
    fn check(&self, read: usize, refused: usize) {
        println!("{self:?}");
        assert!(self.read > read && self.refused > refused, "{self:?}");
    }
}

/// A few changes: bytes, cuts, repetitions and pieces of another file.
fn change(bytes: &mut Vec<u8>, other: &[u8], most: usize, random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(1..=most) {
        if bytes.is_empty() {
            return;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..6) {
            0 => bytes[at] = random.random(),
            1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes.truncate(at.max(1)),
            3 => drop(bytes.drain(at..(at + random.random_range(1..9)).min(bytes.len()))),
            4 => {
                let piece = other[random.random_range(0..other.len())..].iter().take(32).copied();
                bytes.splice(at..at, piece.collect::<Vec<_>>());
            }
            _ => {
                let value = [0, 1, 0x7fff_ffff, u32::MAX].choose(random).unwrap().to_le_bytes();
                let end = bytes.len().min(at + 4);
                bytes[at..end].copy_from_slice(&value[..end - at]);
            }
        }
    }
}

/// What is true of the tensors of any file that is read: as many bytes as type and shape say.
fn check_views(views: &Views<'_>) {
    for (name, view) in views {
        let count: usize = view.shape.iter().product();
        assert_eq!(view.data.len() * 8, count * view.dtype.bitsize(), "{name}");
    }
}

/// Two tensors and a text, with which the header is changed as the tree that it is, or as bytes; its length is right but for
/// some.
#[test]
fn safetensors() {
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    let header = json!({
        "__metadata__": { "rekindle.spec": "{}", "format": "pt" },
        "layer.weight": { "dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48] },
        "layer.bias": { "dtype": "BF16", "shape": [4], "data_offsets": [48, 56] },
    });
    let mut counts = Counts::default();
    for _ in 0..100_000 {
        let mut tree = header.clone();
        (0..random.random_range(0..3)).for_each(|_| change_value(&mut tree, random));
        let mut text = tree.to_string().into_bytes();
        if random.random_ratio(1, 4) {
            change(&mut text, b"[4,[0,56]]{}\"F16\",", 2, random);
        }
        let mut bytes = [&(text.len() as u64).to_le_bytes()[..], &text, &[0; 56]].concat();
        if random.random_ratio(1, 8) {
            change(&mut bytes, &[0; 64], 2, random);
        }
        if let Some(mut tensors) = counts.add(Tensors::read_foreign(&bytes, sample::spec())) {
            let _ = tensors.take("layer.weight", &[3, 4]);
        }
        // Never the whole of a file without its checksum.
        counts.add(Tensors::read(&bytes));
    }
    counts.check(10_000, 100_000);
}

/// Changes a value somewhere in a tree, or what a name is called.
fn change_value(tree: &mut Value, random: &mut ChaCha8Rng) {
    let inside: Vec<&mut Value> = match &mut *tree {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(entries) => entries.values_mut().collect(),
        _ => Vec::new(),
    };
    let count = inside.len();
    if count > 0 && random.random_ratio(5, 6) {
        let chosen = random.random_range(0..count);
        return inside.into_iter().nth(chosen).map_or((), |value| change_value(value, random));
    }
    match tree {
        Value::Object(entries) if random.random_ratio(1, 2) => {
            let name = entries.keys().nth(random.random_range(0..entries.len().max(1))).cloned();
            let value = name.and_then(|name| entries.remove(&name));
            if random.random() {
                entries.insert("layer.other".into(), value.unwrap_or_default());
            }
        }
        Value::Array(items) if random.random_ratio(1, 2) => items.push(json!(3)),
        other => {
            let values = [
                json!(null),
                json!(0),
                json!(1),
                json!(-1),
                json!(8),
                json!(56),
                json!(0.5),
                json!(1e300),
                json!(u64::MAX),
                json!(1u64 << 62),
                json!([]),
                json!({}),
                json!("F16"),
                json!("bicubic"),
                json!([3, 224, 224]),
            ];
            *other = values.choose(random).cloned().unwrap_or_default();
        }
    }
}

/// The pickle of names and shapes in a file.
fn state_of(name: &str) -> Vec<u8> {
    let bytes = golden(name);
    if pytorch::is_zip(&bytes) {
        return parts_of(&bytes).remove(0).1;
    }
    let mut rest = Bytes(&bytes);
    (0..3).for_each(|_| drop(Pickle::read(&mut rest).unwrap()));
    let from = rest.0;
    Pickle::read(&mut rest).unwrap();
    from[..from.len() - rest.0.len()].to_vec()
}

/// An instruction that is known, with arguments that it could have, or one that is not.
fn instruction(random: &mut ChaCha8Rng) -> Vec<u8> {
    const PLAIN: &[u8] = b"(0\x94suaebN\x88\x89])}t\x85\x86\x87\x93QR";
    const GLOBALS: [&[u8]; 6] = [
        b"ccollections\nOrderedDict\n",
        b"ctorch._utils\n_rebuild_tensor\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch\nHalfStorage\n",
        b"cos\nsystem\n",
    ];
    let byte: u8 = random.random_range(0..40);
    let long = [0, 1, 12, 1 << 30, u32::MAX].choose(random).unwrap().to_le_bytes();
    match random.random_range(0..30) {
        0..12 => vec![*PLAIN.choose(random).unwrap()],
        12..15 => vec![b'h', byte],
        15..17 => vec![b'K', byte],
        17..20 => vec![b'q', byte],
        20 => [&b"j"[..], &long].concat(),
        21 => [&b"r"[..], &long].concat(),
        22 => [&b"J"[..], &long].concat(),
        23 => vec![b'M', byte, byte],
        24 => [&[0x8a, 4][..], &long].concat(),
        25 => [&b"X\x05\0\0\0"[..], b"layer"].concat(),
        26 => vec![0x8c, 1, b'0'],
        27 => vec![0x8a, 9, 1, 2, 3, 4, 5, 6, 7, 8, byte],
        28 if byte < 8 => vec![random.random()],
        _ => GLOBALS.choose(random).unwrap().to_vec(),
    }
}

/// Programs whose instructions were moved, repeated, exchanged and added to.
#[test]
fn pickles() {
    let random = &mut ChaCha8Rng::seed_from_u64(2);
    let files = ["zip.pth", "training.pth", "wrapped.pth", "legacy.pth", "before_0_4.pth"].map(state_of);
    let programs = files.each_ref().map(|file| Pickle::instructions(file).unwrap());
    let mut counts = Counts::default();
    for round in 0..100_000 {
        let mut program: Vec<Vec<u8>> =
            programs[round % programs.len()].iter().map(|step| step.to_vec()).collect();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..program.len());
            let other = programs.choose(random).unwrap().choose(random).unwrap();
            match random.random_range(0..6) {
                0 => drop(program.remove(at)),
                1 => program.insert(at, instruction(random)),
                2 => program[at] = instruction(random),
                3 => program[at] = other.to_vec(),
                4 => {
                    let with = random.random_range(0..program.len().min(at + 3));
                    program.swap(at, with);
                }
                _ => {
                    let end = program.len().min(at + random.random_range(1..40));
                    let again = program[at..end].to_vec();
                    program.splice(at..at, again);
                }
            }
            if program.is_empty() {
                break;
            }
        }
        let bytes = program.concat();
        if let Some(pickle) = counts.add(Pickle::read(&mut Bytes(&bytes))) {
            assert!(pickle.len() <= program.len(), "more objects than instructions");
        }
    }
    counts.check(5_000, 10_000);
}

/// Programs that are random from the first instruction on, which are nearly all refused.
#[test]
fn pickles_from_nothing() {
    let random = &mut ChaCha8Rng::seed_from_u64(3);
    let mut counts = Counts::default();
    let mut kinds = [0; 4];
    for _ in 0..200_000 {
        let steps = (0..random.random_range(1..12)).flat_map(|_| instruction(random));
        let bytes: Vec<u8> = steps.chain([b'.']).collect();
        if let Some(pickle) = counts.add(Pickle::read(&mut Bytes(&bytes))) {
            let kind = match pickle.root() {
                Object::List(_) => 0,
                Object::Dict(_) => 1,
                Object::Global(_) => 2,
                _ => 3,
            };
            kinds[kind] += 1;
        }
    }
    counts.check(10_000, 10_000);
    assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
}

fn parts_of(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let count = archive.len();
    let part = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut data = Vec::new();
        file.read_to_end(&mut data).unwrap();
        (file.name().unwrap().into_owned(), data)
    };
    (0..count).map(part).collect()
}

/// A zip of parts, with right checksums; none where two have the same name.
fn zip_of(parts: &[(String, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, data) in parts {
        zip.start_file(name.as_str(), stored).ok()?;
        zip.write_all(data).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

/// Parts are changed, lost, renamed and doubled before their checksums are taken, so that what is in them is read; some are changed
/// after.
#[test]
fn zips() {
    let random = &mut ChaCha8Rng::seed_from_u64(4);
    let corpus =
        ["zip.pth", "training.pth", "transposed.pth", "bf16.pth"].map(golden).map(|file| parts_of(&file));
    let mut counts = Counts::default();
    for round in 0..40_000 {
        let mut parts = corpus[round % corpus.len()].clone();
        let other = corpus.choose(random).unwrap().choose(random).unwrap().clone();
        let at = random.random_range(0..parts.len());
        match random.random_range(0..8) {
            0 => drop(parts.remove(at)),
            1 => parts[at].1 = other.1,
            2 => parts[at].0 = other.0,
            3 => parts.push((format!("other/{}", random.random_range(0..2)), other.1)),
            4 if !parts[at].1.is_empty() => change(&mut parts[at].1, b"little", 3, random),
            // The pickle is the first.
            _ => change(&mut parts[0].1, &corpus[0][0].1, 2, random),
        }
        let Some(mut bytes) = zip_of(&parts) else { continue };
        if random.random_ratio(1, 8) {
            change(&mut bytes, &[0; 64], 2, random);
        }
        // Else it is no longer taken for a zip.
        if pytorch::is_zip(&bytes)
            && let Some(views) = counts.add(pytorch::read_zip(&bytes))
        {
            check_views(&views);
        }
    }
    counts.check(5_000, 5_000);
    assert!(counts.in_the_zip * 2 < counts.refused, "most are to be refused for what is in them: {counts:?}");
}

#[test]
fn legacy_files() {
    let random = &mut ChaCha8Rng::seed_from_u64(5);
    let corpus = ["legacy.pth", "before_0_4.pth"].map(golden);
    let mut counts = Counts::default();
    for round in 0..100_000 {
        let mut bytes = corpus[round % 2].clone();
        change(&mut bytes, corpus.choose(random).unwrap(), 3, random);
        if let Some(views) = counts.add(pytorch::read_legacy(&bytes)) {
            check_views(&views);
        }
    }
    counts.check(2_000, 10_000);
}

const CONFIG: &str = r#"{ "architecture": "resnet18", "num_classes": 1000, "pretrained_cfg": { "tag": "in1k",
    "input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.875, "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5], "license": "apache-2.0" } }"#;

/// What describes weights: timm's `config.json`, the spec of a file, and what a caller says.
#[test]
fn descriptions() {
    let random = &mut ChaCha8Rng::seed_from_u64(6);
    let spec = serde_json::to_value(sample::spec()).unwrap();
    let said =
        json!({ "arch": "resnet18", "inputSize": 96, "mean": [0, 0, 0], "std": [1, 1, 1], "cropPct": 1 });
    let sources = [serde_json::from_str(CONFIG).unwrap(), spec, said];
    let mut counts = [(); 3].map(|()| Counts::default());
    for round in 0..90_000 {
        let mut tree: Value = sources[round % 3].clone();
        (0..random.random_range(0..3)).for_each(|_| change_value(&mut tree, random));
        let mut text = tree.to_string().into_bytes();
        if random.random_ratio(1, 4) {
            change(&mut text, CONFIG.as_bytes(), 2, random);
        }
        let text = String::from_utf8_lossy(&text);
        let of = |described: Description| described.spec(&[]);
        let result = match round % 3 {
            0 => Description::from_timm(&text).and_then(of),
            1 => Spec::from_json(&text),
            // A caller's mistake has another code.
            _ => Description::from_json(&text).and_then(of).map_err(|error| {
                let reason = error.to_string();
                if error.code() == "OPTION_INVALID" { Error::WeightsFormat { reason } } else { error }
            }),
        };
        if let Some(spec) = counts[round % 3].add(result) {
            assert!(spec.std.iter().all(|value| *value > 0.0 && value.is_finite()), "{spec:?}");
            assert!(spec.mean.iter().all(|value| value.is_finite()) && spec.input_size > 0, "{spec:?}");
            assert!(spec.crop_pct > 0.0 && spec.crop_pct <= 1.0, "{spec:?}");
        }
    }
    counts.iter().for_each(|counts| counts.check(3_000, 3_000));
}
