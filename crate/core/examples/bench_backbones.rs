//! What a head learns on each backbone with real weights; `cargo xtask bench backbones` runs it.
//!
//! `bench_backbones PHOTOS WEIGHTS OUT ARCHITECTURE...`: photos as `cargo xtask photos` lays them out, the folder of converted
//! weights, and a folder for `backbones.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the list of photos is in the repository")]

#[path = "../tests/imagenet/mod.rs"]
mod imagenet;

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use imagenet::Known;
use pollster::block_on;
use rekindle::backbone::{Classifier, catalogue};
use rekindle::image::Traits;
use rekindle::train::{Progress, TrainOptions};
use rekindle::{Augment, Device, Embedder, Pixels, Tuner, View};

/// Photos with their labels.
type Photos = Vec<(String, Pixels)>;
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Views of each photo.
const VIEWS: u32 = 4;

const TITLE: &str = "# Backbones\n\nWhat a head learns on each backbone from four views of each photo, with default options otherwise: 133 photos of 6 classes (`tests/data/cutout.csv`) to \
     train on, 57 to judge by, mean of 5 seeds, as `tests/browser/accuracy.test.ts` \
     trains, but on four views and with another decoder of JPEG (`docs/backbones.md`). The file is that with weights in half precision; beside it the one with int8 weights, how far it \
     moves the embedding of a test photo (of its length, on average), and for how many of the 57 another of the 1000 classes of ImageNet is the \
     likeliest. Top-1 and top-5: of the 18 sample photos of the page whose class of ImageNet is known (`tests/data/imagenet.csv`), for how many \
     the classifier that the weights were trained with has it first, and among the first five. Written by `cargo xtask bench backbones`.\n\n\
     | backbone | input | embedding | multiply-adds, 10^6 | file, MB | accuracy | top-1 | top-5 | int8, MB | accuracy | moved | other class |\n\
     |---|---|---|---|---|---|---|---|---|---|---|---|\n";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photos, weights, out, architectures @ ..] = &arguments[..] else {
        return Err("usage: bench_backbones PHOTOS WEIGHTS OUT ARCHITECTURE...".into());
    };
    let (photos, weights) = (Path::new(photos), Path::new(weights));
    let (train, test) = (read(&photos.join("train"))?, read(&photos.join("test"))?);
    let known = imagenet::known();
    let mut table = String::from(TITLE);
    for architecture in architectures {
        let entry = catalogue::find(architecture)?;
        let classifier = std::fs::read(weights.join(format!("{architecture}.classifier.safetensors")))?;
        let measure = |kind: &str| {
            let bytes = std::fs::read(weights.join(format!("{architecture}{kind}.safetensors")))?;
            Measured::of(&bytes, &classifier, &train, &test, &known)
        };
        let (half, byte) = (measure("")?, measure(".int8")?);
        let row = format!(
            "| {architecture} | {} | {} | {} | {:.1} | {:.3} | {} | {} | {:.1} | {:.3} | {:.3} | {} |",
            half.input_size,
            half.features,
            entry.multiply_adds_m,
            half.megabytes,
            half.accuracy,
            half.within(1),
            half.within(5),
            byte.megabytes,
            byte.accuracy,
            half.moved(&byte),
            half.classes.iter().zip(&byte.classes).filter(|(half, byte)| half != byte).count(),
        );
        println!("{row}");
        for (photo, rank) in known.iter().zip(&half.ranks).filter(|(_, rank)| **rank > 0) {
            println!("  {}, {}: {rank} classes are likelier", photo.file, photo.name);
        }
        writeln!(table, "{row}")?;
    }
    Ok(std::fs::write(Path::new(out).join("backbones.md"), table)?)
}

/// What a file of weights makes of the photos.
struct Measured {
    megabytes: f64,
    input_size: u32,
    features: usize,
    accuracy: f64,
    /// Of the test photos.
    embeddings: Vec<Vec<f32>>,
    /// Their likeliest classes of ImageNet.
    classes: Vec<String>,
    /// Of each photo with a known class, how many others are likelier.
    ranks: Vec<usize>,
}

impl Measured {
    fn of(
        weights: &[u8],
        classifier: &[u8],
        train: &Photos,
        test: &Photos,
        known: &[Known],
    ) -> Outcome<Self> {
        let embedder = block_on(Embedder::new(weights, Device::Cpu, None))?;
        let classifier = Classifier::read(classifier, embedder.spec())?;
        let (truth, images): (Vec<_>, Vec<_>) = test.iter().cloned().unzip();
        let plain = View { index: 0, seed: 0 };
        let views = images.iter().map(|image| embedder.view(image, plain, &Augment::default()));
        let views = views.collect::<rekindle::Result<Vec<_>>>()?;
        let embed = |view| block_on(embedder.embed(std::slice::from_ref(view)));
        let likeliest = |view| Ok(classifier.classify(&embedder.map(view)?, 1)?.remove(0).label);
        let embeddings = views.iter().map(embed).collect::<rekindle::Result<Vec<_>>>()?;
        Ok(Self {
            megabytes: weights.len() as f64 / 1e6,
            input_size: embedder.input_size(),
            features: embedder.feature_len(),
            accuracy: accuracy(&embedder, train, &embeddings, &truth)?,
            classes: views.iter().map(likeliest).collect::<rekindle::Result<_>>()?,
            ranks: imagenet::ranks(&embedder, &classifier, known)?,
            embeddings,
        })
    }

    /// For how many photos the known class is among the first so many.
    fn within(&self, most: usize) -> usize {
        self.ranks.iter().filter(|rank| **rank < most).count()
    }

    /// Mean distance of the embeddings of the same photos, of their length.
    fn moved(&self, other: &Self) -> f32 {
        let length =
            |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>().sqrt();
        let pairs = self.embeddings.iter().zip(&other.embeddings);
        let moved = pairs
            .map(|(a, b)| length(&mut a.iter().zip(b).map(|(a, b)| a - b)) / length(&mut a.iter().copied()));
        moved.sum::<f32>() / self.embeddings.len() as f32
    }
}

/// Mean accuracy on the test photos, over five seeds, of what a person gets who adds the photos in this order: each seed draws views and
/// held-out photos of its own, and near-duplicates stay together.
fn accuracy(embedder: &Embedder, train: &Photos, test: &[Vec<f32>], truth: &[String]) -> Outcome<f64> {
    let options = TrainOptions { views: VIEWS, ..TrainOptions::default() };
    let embed = |image: &Pixels, view: View| {
        let view = embedder.view(image, view, &options.augment)?;
        block_on(embedder.embed(&[view]))
    };
    let plain = |(_, image): &(String, Pixels)| embed(image, View { index: 0, seed: 0 });
    // The same for every seed.
    let plain = train.iter().map(plain).collect::<rekindle::Result<Vec<_>>>()?;
    let mut sum = 0.0;
    for seed in 1..=5 {
        let (spec, size) = (embedder.spec().clone(), embedder.input_size());
        let mut tuner = Tuner::new(spec, size, embedder.feature_len(), seed);
        for ((label, image), features) in train.iter().zip(&plain) {
            let example = tuner.add_example(label)?;
            tuner.put_traits(example, Traits::of(image)?);
            tuner.put_features(example, &[0], &options, features)?;
        }
        for pending in tuner.pending(&options)? {
            let (_, image) = train.get(pending.example as usize).ok_or("an example that is no photo")?;
            for view in pending.views {
                tuner.put_features(pending.example, &[view.index], &options, &embed(image, view)?)?;
            }
        }
        let mut training = tuner.start_run(&options)?;
        while training.run.step()? != Progress::Finished {}
        tuner.finish_run(training)?;
        let accuracy = tuner.evaluate(&test.concat(), truth)?.accuracy;
        println!("  seed {seed}: {accuracy:.3}");
        sum += accuracy;
    }
    Ok(sum / 5.0)
}

/// The photos of a folder with one folder for each label, in the order of their names.
fn read(folder: &Path) -> Outcome<Photos> {
    let mut photos = Photos::new();
    for class in sorted(folder)? {
        let label = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in sorted(&class)? {
            let image = image::open(path)?.into_rgb8();
            photos.push((label.clone(), Pixels::from_rgb(image.width(), image.height(), image.into_raw())?));
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
