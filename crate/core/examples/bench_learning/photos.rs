//! The `cutout` photos and their features.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use image::RgbImage;
use pollster::block_on;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle::train::{Progress, TrainOptions};
use rekindle::{Augment, Embedder, FineTuner, Pixels, Tuner, View, seed};

use crate::perturb::KINDS;

/// Most views that a measure trains on.
pub const MOST_VIEWS: u32 = 10;

/// Photos with the features of their views.
pub struct Photos {
    pub labels: Vec<String>,
    pub all: Vec<Photo>,
    embedder: Embedder,
    length: usize,
}

/// One photo.
pub struct Photo {
    /// Index of its label.
    pub class: usize,
    /// Photos of one thing have one group.
    pub group: u32,
    /// Whether the list has it for training.
    pub train: bool,
    /// `[MOST_VIEWS, length]`, the plain view first.
    features: Vec<f32>,
    /// As many views as the defaults train on, at the cut of the last two stages.
    at_cut: Vec<f32>,
    /// `[KINDS, length]`: the photo as it was not meant to be taken, in its plain view.
    perturbed: Vec<f32>,
}

impl Photos {
    /// Reads and embeds the photos of a list.
    pub fn read(folder: &Path, list: &Path, embedder: Embedder) -> Result<Self, Box<dyn Error>> {
        let list = std::fs::read_to_string(list)?;
        let mut photos =
            Self { labels: Vec::new(), all: Vec::new(), length: embedder.feature_len(), embedder };
        let mut counts = HashMap::<(&str, &str), usize>::new();
        let mut groups = HashMap::new();
        for row in list.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let [_, label, group, set] = fields[..] else {
                return Err(format!("a list has no row {row}").into());
            };
            let number = counts.entry((set, label)).or_default();
            *number += 1;
            let path = folder.join(set).join(label).join(format!("{number:03}.jpg"));
            let next = groups.len() as u32;
            let group = *groups.entry(group).or_insert(next);
            let [features, at_cut, perturbed] = embed(&path, photos.all.len() as u32, &photos.embedder)?;
            let class = photos.class(label);
            photos.all.push(Photo { class, group, train: set == "train", features, at_cut, perturbed });
        }
        Ok(photos)
    }

    /// Indices of the photos of the list's training set, or of the others.
    pub fn of_set(&self, train: bool) -> Vec<usize> {
        (0..self.all.len()).filter(|index| self.photo(*index).train == train).collect()
    }

    /// A photo by its index.
    pub fn photo(&self, index: usize) -> &Photo {
        &self.all[index]
    }

    /// The plain embeddings of photos, one after the other.
    pub fn plain(&self, indices: &[usize]) -> Vec<f32> {
        indices.iter().flat_map(|index| &self.photo(*index).features[..self.length]).copied().collect()
    }

    /// The embeddings of photos that were perturbed in one way, one after the other.
    pub fn perturbed(&self, indices: &[usize], kind: usize) -> Vec<f32> {
        let at = kind * self.length;
        indices
            .iter()
            .flat_map(|index| &self.photo(*index).perturbed[at..at + self.length])
            .copied()
            .collect()
    }

    /// The labels of photos.
    pub fn labels_of(&self, indices: &[usize]) -> Vec<String> {
        indices.iter().map(|index| self.labels[self.photo(*index).class].clone()).collect()
    }

    /// A project of photos, with these labels and the features of so many views.
    pub fn project(
        &self,
        indices: &[usize],
        labels: &[String],
        views: u32,
        seed: u32,
    ) -> rekindle::Result<Tuner> {
        let (spec, size) = (self.embedder.spec().clone(), self.embedder.input_size());
        let mut tuner = Tuner::new(spec, size, self.length, seed).with_backbone(&self.embedder);
        let views: Vec<u32> = (0..views).collect();
        for (index, label) in indices.iter().zip(labels) {
            let example = tuner.add_example(label)?;
            let features = &self.photo(*index).features[..views.len() * self.length];
            tuner.put_features(example, &views, &TrainOptions::default(), features)?;
        }
        Ok(tuner)
    }

    /// A project that is trained on photos.
    pub fn trained(&self, indices: &[usize], options: &TrainOptions, seed: u32) -> rekindle::Result<Tuner> {
        let mut tuner = self.project(indices, &self.labels_of(indices), options.views, seed)?;
        let mut training = tuner.start_run(options)?;
        while training.run.step()? != Progress::Finished {}
        tuner.finish_run(training)?;
        Ok(tuner)
    }

    /// A project whose last two stages are trained on photos too, after its head.
    pub fn tuned(&self, indices: &[usize], options: &TrainOptions, seed: u32) -> rekindle::Result<Tuner> {
        let mut tuner = self.project(indices, &self.labels_of(indices), options.views, seed)?;
        let mut training = tuner.start_run(options)?;
        while training.run.step()? != Progress::Finished {}
        let start = tuner.prepare_tuning(training)?;
        let mut run = FineTuner::new(&self.embedder).start(start)?;
        assert_eq!(run.cut(), self.cut());
        for pending in run.tuning.pending() {
            let features = &self.photo(indices[pending.example as usize]).at_cut;
            let length = features.len() / TrainOptions::default().views as usize;
            for view in pending.views {
                let at = view.index as usize * length;
                run.tuning.put(pending.example, &[view.index], &features[at..at + length])?;
            }
        }
        while run.tuning.step()? != Progress::Finished {}
        tuner.finish_tuning(run.finish()?)?;
        Ok(tuner)
    }

    /// The plain embeddings of photos by the stages that a project trained.
    pub fn plain_tuned(&self, tuner: &Tuner, indices: &[usize]) -> rekindle::Result<Vec<f32>> {
        let Some(stages) = &tuner.model()?.tuned else { return Ok(self.plain(indices)) };
        let suffix = self.embedder.backbone().suffix(stages.cut).with(stages)?;
        let map = self.embedder.maps()[stages.cut];
        let rows: Vec<f32> =
            indices.iter().flat_map(|index| &self.photo(*index).at_cut[..map.len()]).copied().collect();
        let data = TensorData::new(rows, [indices.len(), map.channels, map.side, map.side]);
        let embeddings = suffix.forward(Tensor::from_data(data, &burn::tensor::Device::flex())).into_data();
        embeddings.try_to_vec().map_err(|error| rekindle::Error::Internal { reason: format!("{error:?}") })
    }

    fn cut(&self) -> usize {
        cut(&self.embedder)
    }

    fn class(&mut self, label: &str) -> usize {
        self.labels.iter().position(|known| known == label).unwrap_or_else(|| {
            self.labels.push(label.to_owned());
            self.labels.len() - 1
        })
    }
}

/// The stage where the last two begin.
fn cut(embedder: &Embedder) -> usize {
    embedder.stages() - 2
}

/// Features of the views, features at the cut, features of the perturbed photo.
fn embed(path: &Path, number: u32, embedder: &Embedder) -> Result<[Vec<f32>; 3], Box<dyn Error>> {
    let image = image::open(path)?.into_rgb8();
    let pixels = |image: RgbImage| Pixels::from_rgb(image.width(), image.height(), image.into_raw());
    let view = |pixels: &Pixels, index| {
        let view = View { index, seed: seed::mix(1, number, index) };
        embedder.view(pixels, view, &Augment::default())
    };
    let (photo, mut rng) = (pixels(image.clone())?, ChaCha8Rng::seed_from_u64(number.into()));
    let views = (0..MOST_VIEWS).map(|index| view(&photo, index)).collect::<rekindle::Result<Vec<_>>>()?;
    let perturbed = KINDS.map(|kind| view(&pixels(kind.perturb(&image, &mut rng))?, 0));
    let perturbed = perturbed.into_iter().collect::<rekindle::Result<Vec<_>>>()?;
    let shown = &views[..TrainOptions::default().views as usize];
    Ok([
        block_on(embedder.embed(&views))?,
        block_on(embedder.embed_at(shown, cut(embedder)))?,
        block_on(embedder.embed(&perturbed))?,
    ])
}
