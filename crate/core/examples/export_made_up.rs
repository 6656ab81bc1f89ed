//! Writes an architecture with made-up weights and head as an ONNX file, and what it makes of two images, for another
//! runtime to be compared: `cargo run -p rekindle --example export_made_up -- FOLDER ARCHITECTURE`. Without arguments it
//! prints the names of all architectures.

#[path = "../tests/made_up/formula.rs"]
mod formula;
#[path = "../tests/made_up/mod.rs"]
mod made_up;

use std::error::Error;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use formula::{Formula, formula};
use rekindle::backbone::catalogue::{self, CATALOGUE};
use rekindle::export::{Export, Format};
use rekindle::head::{Head, HeadTensor};
use rekindle::image::Preprocess;
use rekindle::{Pixels, Spec};
use serde::Serialize;

const IMAGES: usize = 2;
const HIDDEN: usize = 5;

/// What the module, which is the definition, makes of the images.
#[derive(Serialize)]
struct Expected {
    side: usize,
    images: Vec<u8>,
    embedding: Vec<f32>,
    probabilities: Vec<f32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => CATALOGUE.iter().for_each(|entry| println!("{}", entry.name)),
        [folder, arch] => write(Path::new(folder), arch)?,
        _ => return Err("give a folder and the name of an architecture".into()),
    }
    Ok(())
}

fn write(folder: &Path, arch: &str) -> Result<(), Box<dyn Error>> {
    // An odd side shows which end TensorFlow's padding is longer at.
    let side = if arch.starts_with("tf_") { 75 } else { 64 };
    let spec = Spec { arch: arch.into(), mean: [0.485, 0.456, 0.406], ..made_up::spec(side as u32) };
    let device = Device::flex();
    let entry = catalogue::find(arch)?;
    let backbone = entry.build(&mut Formula { timm: false }, catalogue::is_tensorflow(arch))?;
    let position = CATALOGUE.iter().position(|other| other.name == entry.name).unwrap_or_default();
    let labels = ["one", "two", "three"].map(String::from);
    // Every kind of head comes to its turn.
    let hidden = if position.is_multiple_of(2) { 0 } else { HIDDEN };
    let head = head(entry.embedding_len, hidden, labels.len())?.with_unit(position % 4 < 2);

    let pixels = side * side * 3;
    let images: Vec<u8> =
        formula("image", IMAGES * pixels).map(|unit| ((unit + 1.0) * 127.5) as u8).collect();
    let preprocess = Preprocess::new(&spec, side as u32);
    let mut normalised = Vec::new();
    for image in images.chunks_exact(pixels) {
        let image = Pixels::from_rgb(side as u32, side as u32, image.to_vec())?;
        normalised.extend(preprocess.normalise(&image));
    }
    let normalised = Tensor::<4>::from_data(TensorData::new(normalised, [IMAGES, side, side, 3]), &device);
    let embedding = backbone.embed(normalised.permute([0, 3, 1, 2]));
    // Neither even nor certain probabilities would show a difference.
    let embedding: Vec<f32> = embedding.into_data().try_to_vec().map_err(text)?;
    let scores = head.scores(&embedding);
    let head = head.cooled(scores.iter().fold(0.0, |most, score| score.abs().max(most)));
    let probabilities = head.probabilities(&embedding);

    let export = Export {
        spec: &spec,
        input_size: side as u32,
        backbone: &backbone,
        tuned: false,
        head: &head,
        labels: &labels,
    };
    std::fs::write(folder.join(format!("{arch}.onnx")), export.write(Format::Onnx)?)?;
    let expected = Expected { side, images, embedding, probabilities };
    std::fs::write(folder.join(format!("{arch}.json")), serde_json::to_vec(&expected)?)?;
    Ok(())
}

fn text(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

/// A head by the formula.
fn head(features: usize, hidden: usize, classes: usize) -> rekindle::Result<Head> {
    let layer = |name: &str, [inputs, outputs]: [usize; 2]| {
        let weight = formula(name, inputs * outputs).map(|unit| (unit * (3.0 / inputs as f64).sqrt()) as f32);
        let bias = formula(&format!("{name}.bias"), outputs).map(|unit| unit as f32);
        let tensor = |kind: &str, shape: Vec<usize>, values: Vec<f32>| HeadTensor {
            name: format!("{name}.{kind}"),
            shape,
            values,
        };
        [
            tensor("weight", vec![inputs, outputs], weight.collect()),
            tensor("bias", vec![outputs], bias.collect()),
        ]
    };
    let mut tensors = Vec::new();
    if hidden > 0 {
        tensors.extend(layer("hidden", [features, hidden]));
    }
    let last = if hidden > 0 { hidden } else { features };
    tensors.extend(layer("output", [last, classes]));
    Head::from_tensors(&tensors)
}
