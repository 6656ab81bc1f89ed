//! What a head learns on each backbone with real weights; `cargo xtask bench backbones` runs it.
//!
//! `bench_backbones PHOTOS WEIGHTS OUT ARCHITECTURE...`: photos as `cargo xtask photos` lays them out, the folder of converted
//! weights, and a folder for `backbones.md`.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use pollster::block_on;
use rekindle::backbone::catalogue;
use rekindle::train::{Progress, TrainOptions};
use rekindle::{Augment, Device, Embedder, Pixels, Tuner, View, seed};

/// Labels and the features of their views, plain first.
type Photos = Vec<(String, Vec<f32>)>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photos, weights, out, architectures @ ..] = &arguments[..] else {
        return Err("usage: bench_backbones PHOTOS WEIGHTS OUT ARCHITECTURE...".into());
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
        let accuracy = accuracy(&embedder, Path::new(photos))?;
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

/// Mean accuracy on the test photos, over five seeds.
fn accuracy(embedder: &Embedder, folder: &Path) -> Result<f64, Box<dyn Error>> {
    let options = TrainOptions::default();
    let train = read(embedder, &folder.join("train"), options.views)?;
    let test = read(embedder, &folder.join("test"), 1)?;
    let (labels, features): (Vec<_>, Vec<_>) = test.into_iter().unzip();
    let views: Vec<u32> = (0..options.views).collect();
    let mut sum = 0.0;
    for seed in 1..=5 {
        let (spec, size) = (embedder.spec().clone(), embedder.input_size());
        let mut tuner = Tuner::new(spec, size, embedder.feature_len(), seed);
        for (label, features) in &train {
            let example = tuner.add_example(label)?;
            tuner.put_features(example, &views, &options, features)?;
        }
        let mut training = tuner.start_run(&options)?;
        while training.run.step()? != Progress::Finished {}
        tuner.finish_run(training)?;
        sum += tuner.evaluate(&features.concat(), &labels)?.accuracy;
    }
    Ok(sum / 5.0)
}

/// The photos of a folder with one folder for each label, in the order of their names.
fn read(embedder: &Embedder, folder: &Path, views: u32) -> Result<Photos, Box<dyn Error>> {
    let mut photos = Photos::new();
    for class in sorted(folder)? {
        let label = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in sorted(&class)? {
            let image = image::open(path)?.into_rgb8();
            let image = Pixels::from_rgb(image.width(), image.height(), image.into_raw())?;
            let number = photos.len() as u32;
            let view = |index| {
                let view = View { index, seed: seed::mix(1, number, index) };
                embedder.view(&image, view, &Augment::default())
            };
            let views = (0..views).map(view).collect::<rekindle::Result<Vec<_>>>()?;
            photos.push((label.clone(), block_on(embedder.embed(&views))?));
        }
    }
    Ok(photos)
}

fn sorted(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
