//! What a head learns on each backbone with real weights; `cargo xtask bench backbones` runs it.
//!
//! `bench_backbones PHOTOS LIST WEIGHTS OUT ARCHITECTURE...`: photos as `cargo xtask photos` lays them out, their list, the folder
//! of converted weights, and a folder for `backbones.md`.

#[path = "bench_learning/photos.rs"]
#[allow(dead_code, reason = "the other benchmark uses all of it")]
mod photos;

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use pollster::block_on;
use rekindle::backbone::catalogue;
use rekindle::train::TrainOptions;
use rekindle::{Device, Embedder};

use photos::Photos;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photos, list, weights, out, architectures @ ..] = &arguments[..] else {
        return Err("usage: bench_backbones PHOTOS LIST WEIGHTS OUT ARCHITECTURE...".into());
    };
    let mut table = String::from(
        "# Backbones\n\nWhat a head with default options learns on each backbone: 133 photos of 6 classes (`tests/data/cutout.csv`) to \
         train on, 57 to judge by, mean of 5 seeds. Weights are rounded to half precision, norms and biases are not. Written by `cargo xtask bench \
         backbones`.\n\n| backbone | input | embedding | multiply-adds, 10^6 | file, MB | accuracy |\n|---|---|---|---|---|---|\n",
    );
    for architecture in architectures {
        let bytes = std::fs::read(Path::new(weights).join(format!("{architecture}.safetensors")))?;
        let entry = catalogue::find(architecture)?;
        let embedder = block_on(Embedder::new(&bytes, Device::Cpu, None))?;
        let photos = Photos::read(Path::new(photos), Path::new(list), &embedder)?;
        let accuracy = accuracy(&photos)?;
        writeln!(
            table,
            "| {architecture} | {} | {} | {} | {:.1} | {accuracy:.3} |",
            embedder.input_size(),
            embedder.feature_len(),
            entry.multiply_adds_m,
            bytes.len() as f64 / 1e6,
        )?;
        println!("{architecture}: {accuracy:.3}");
    }
    Ok(std::fs::write(Path::new(out).join("backbones.md"), table)?)
}

/// Mean accuracy on the list's test photos, over five seeds.
fn accuracy(photos: &Photos) -> rekindle::Result<f64> {
    let (train, test) = (photos.of_set(true), photos.of_set(false));
    let mut sum = 0.0;
    for seed in 1..=5 {
        let tuner = photos.trained(&train, &TrainOptions::default(), seed)?;
        sum += tuner.evaluate(&photos.plain(&test), &photos.labels_of(&test))?.accuracy;
    }
    Ok(sum / 5.0)
}
