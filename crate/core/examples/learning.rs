//! Accuracy of sets of options on labelled photos: mean over seeds, and from five images a class.
//!
//! `learning <photos> <weights> [options ...]`, where `<photos>` has `train/<label>/*.jpg` and `test/<label>/*.jpg`
//! (`cargo xtask photos`) and each set of options is a JSON object, such as `'{"epochs": 20}'`; the defaults without any.

use std::error::Error;
use std::path::{Path, PathBuf};

use pollster::block_on;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rekindle::train::{Progress, TrainOptions};
use rekindle::{Augment, Device, Embedder, Pixels, Tuner, View};

const SEEDS: std::ops::RangeInclusive<u32> = 1..=5;
const FEW: usize = 5;

struct Photo {
    label: String,
    pixels: Pixels,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(photos), Some(weights)) = (arguments.next(), arguments.next()) else {
        return Err("usage: learning <photos> <weights> [options ...]".into());
    };
    let mut sets: Vec<String> = arguments.collect();
    if sets.is_empty() {
        sets.push("{}".into());
    }
    let embedder = block_on(Embedder::new(&std::fs::read(weights)?, Device::Cpu, None))?;
    let train = read(&Path::new(&photos).join("train"))?;
    let test = Test::new(&embedder, &read(&Path::new(&photos).join("test"))?)?;
    for few in [false, true] {
        // A project keeps its features from one set to the next.
        let mut projects = Vec::new();
        for seed in SEEDS {
            let photos = if few { draw(&train, seed) } else { train.iter().collect() };
            projects.push((project(&embedder, &photos, seed)?, photos));
        }
        for set in &sets {
            let options = TrainOptions::read(&mut serde_json::Deserializer::from_str(set))?;
            let mut accuracies = Vec::new();
            for (tuner, photos) in &mut projects {
                fit(tuner, &embedder, photos, &options)?;
                accuracies.push(test.accuracy(tuner)?);
            }
            let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
            println!(
                "{} photos, {set}: {mean:.4} {accuracies:.3?}",
                projects.first().map_or(0, |p| p.1.len())
            );
        }
    }
    Ok(())
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = path.read_dir()?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn read(root: &Path) -> Result<Vec<Photo>, Box<dyn Error>> {
    let mut photos = Vec::new();
    for class in folder(root)? {
        let label = class.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for path in folder(&class)? {
            let image = image::open(path)?.into_rgb8();
            let pixels = Pixels::from_rgb(image.width(), image.height(), image.into_raw())?;
            photos.push(Photo { label: label.clone(), pixels });
        }
    }
    Ok(photos)
}

/// The first [`FEW`] of each class in an order drawn by the seed.
fn draw(photos: &[Photo], seed: u32) -> Vec<&Photo> {
    let mut order: Vec<&Photo> = photos.iter().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed.into()));
    let mut taken: Vec<&Photo> = Vec::new();
    for photo in order {
        if taken.iter().filter(|other| other.label == photo.label).count() < FEW {
            taken.push(photo);
        }
    }
    taken
}

fn project(embedder: &Embedder, photos: &[&Photo], seed: u32) -> rekindle::Result<Tuner> {
    let mut tuner = Tuner::new(embedder.spec().clone(), embedder.input_size(), embedder.feature_len(), seed);
    for photo in photos {
        tuner.add_example(&photo.label)?;
    }
    Ok(tuner)
}

fn fit(
    tuner: &mut Tuner,
    embedder: &Embedder,
    photos: &[&Photo],
    options: &TrainOptions,
) -> rekindle::Result<()> {
    for pending in tuner.pending(options)? {
        let Some(photo) = photos.get(pending.example as usize) else { continue };
        let view = |view: &View| embedder.view(&photo.pixels, *view, &options.augment);
        let views = pending.views.iter().map(view).collect::<rekindle::Result<Vec<_>>>()?;
        let indices: Vec<u32> = pending.views.iter().map(|view| view.index).collect();
        tuner.put_features(pending.example, &indices, options, &block_on(embedder.embed(&views))?)?;
    }
    let mut training = tuner.start_run(options)?;
    while training.run.step()? != Progress::Finished {}
    tuner.finish_run(training)?;
    Ok(())
}

/// Embeddings of photos that nothing is trained on.
struct Test {
    features: Vec<f32>,
    labels: Vec<String>,
}

impl Test {
    fn new(embedder: &Embedder, photos: &[Photo]) -> rekindle::Result<Self> {
        let plain = View { index: 0, seed: 0 };
        let views = photos
            .iter()
            .map(|photo| embedder.view(&photo.pixels, plain, &Augment::default()))
            .collect::<rekindle::Result<Vec<_>>>()?;
        let labels = photos.iter().map(|photo| photo.label.clone()).collect();
        Ok(Self { features: block_on(embedder.embed(&views))?, labels })
    }

    fn accuracy(&self, tuner: &Tuner) -> rekindle::Result<f64> {
        Ok(tuner.evaluate(&self.features, &self.labels)?.accuracy)
    }
}
