//! Images unlike everything the head was trained on.
//!
//! The score is the cosine similarity of an embedding to its nearest neighbour among the training examples (Sun, Ming,
//! Zhu, Li 2022, "Out-of-distribution detection with deep nearest neighbors", with k = 1). The softmax of a head says
//! which class is likelier, not whether any fits; distance in the embedding does.

use crate::dense::{Dense, Rows};
use crate::rank::sort_by_number;
use half::f16;
use std::collections::BTreeSet;

/// Share of known images that the threshold calls unknown by mistake.
pub const FALSE_ALARM_RATE: f64 = 0.05;

/// Most embeddings that are kept: past it an even sample is, which bounds a project file to some megabytes.
pub const MOST_REFERENCES: usize = 2000;

/// Embeddings that are compared to all at once: what they give fits the cache.
const BLOCK: usize = 64;

/// Examples up to which the threshold is fitted anew with each.
const MOST_REFITTED: usize = 200;

/// With fewer examples a threshold would be a guess, and nothing is called unknown.
pub const FEWEST_REFERENCES: usize = 10;

/// The plain embedding of a training example.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What the backbone made of it.
    pub embedding: &'a [f16],
    /// Index of its class.
    pub class: usize,
    /// What it was taken together with, or looks almost the same as: its own number where there is nothing.
    pub group: u32,
}

/// Embeddings of training examples and the similarity below which an image is unlike all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// Unit vectors.
    references: Dense,
    threshold: f32,
}

impl Unknown {
    /// Takes the plain embeddings of the training examples; the threshold is the [`FALSE_ALARM_RATE`] quantile of each
    /// example's similarity to the nearest one of another group: what was taken together is nearer than a new image will be.
    ///
    /// A class of a single group cannot say how near a new image of it will be, and is left out, unless fewer than
    /// [`FEWEST_REFERENCES`] examples are left; then the rate is at most the stated one.
    pub fn fit(length: usize, examples: &[Known]) -> Self {
        let stride = examples.len().div_ceil(MOST_REFERENCES).max(1);
        let kept: Vec<Known> = examples.iter().step_by(stride).copied().collect();
        let references: Vec<f16> = kept.iter().flat_map(|example| unit(example.embedding)).collect();
        let unknown = Self::from_parts(length, &references, f32::NEG_INFINITY);
        let groups: Vec<u32> = kept.iter().map(|example| example.group).collect();
        let first = |example: &Known| kept.iter().find(|other| other.class == example.class).map(|e| e.group);
        let several: BTreeSet<usize> =
            kept.iter().filter(|own| first(own) != Some(own.group)).map(|own| own.class).collect();
        if kept.len() < FEWEST_REFERENCES {
            return unknown;
        }
        let nearest = unknown.nearest_of_other_groups(&groups);
        let telling = kept.iter().zip(&nearest).filter(|(example, _)| several.contains(&example.class));
        let threshold = quantile(telling.map(|(_, near)| *near).collect()).or_else(|| quantile(nearest));
        unknown.at(threshold)
    }

    /// The same of embeddings that were learnt with the examples, which makes these nearer to each other than a new image will
    /// be: the threshold is the quantile of examples that were held out, or as [`Unknown::fit`] has it where those are few.
    pub fn fit_held_out<'a>(
        length: usize,
        examples: &[Known],
        held_out: impl Iterator<Item = &'a [f16]>,
    ) -> Self {
        let unknown = Self::fit(length, examples);
        let floats = |row: &[f16]| row.iter().map(|value| value.to_f32()).collect::<Vec<f32>>();
        let nearest: Vec<f32> = held_out.map(|row| unknown.similarity(&floats(row))).collect();
        if unknown.references.outputs() < FEWEST_REFERENCES {
            return unknown;
        }
        let threshold = quantile(nearest).unwrap_or(unknown.threshold);
        unknown.at(Some(threshold))
    }

    /// Takes the plain embeddings of examples that came one by one, and the threshold as it was fitted before: fitting it
    /// compares all with all. Of few, as [`Unknown::is_refitted`] says, it is fitted anew.
    pub fn follow(length: usize, examples: &[Known], before: Option<&Self>) -> Self {
        match before.filter(|_| !Self::is_refitted(examples.len(), before)) {
            Some(before) => {
                let stride = examples.len().div_ceil(MOST_REFERENCES).max(1);
                let references: Vec<f16> =
                    examples.iter().step_by(stride).flat_map(|example| unit(example.embedding)).collect();
                Self::from_parts(length, &references, before.threshold)
            }
            None => Self::fit(length, examples),
        }
    }

    /// Whether [`Unknown::follow`] reads the groups of so many examples.
    pub fn is_refitted(count: usize, before: Option<&Self>) -> bool {
        count <= MOST_REFITTED || before.is_none_or(|before| !before.threshold.is_finite())
    }

    /// Takes what [`Unknown::references`] and [`Unknown::threshold`] gave.
    pub fn from_parts(length: usize, references: &[f16], threshold: f32) -> Self {
        let columns: Vec<f32> = references.iter().map(|value| value.to_f32()).collect();
        Self { references: Dense::of_columns(&columns, length), threshold }
    }

    /// Unit embeddings, one after the other.
    pub fn references(&self) -> Vec<f16> {
        self.references.columns().into_iter().map(f16::from_f32).collect()
    }

    /// The similarity below which an image is unknown.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Cosine similarity of an embedding to the nearest training example, -1 to 1.
    pub fn similarity(&self, embedding: &[f32]) -> f32 {
        let norm = embedding.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        let products = self.references.apply(&Rows::of(embedding, self.references.inputs()));
        products.into_iter().fold(f32::NEG_INFINITY, f32::max) / norm
    }

    /// Whether an embedding is unlike every training example.
    pub fn is_unknown(&self, embedding: &[f32]) -> bool {
        self.similarity(embedding) < self.threshold
    }

    /// Similarity of each reference to the nearest one of another group; the least number where all are of one.
    fn nearest_of_other_groups(&self, groups: &[u32]) -> Vec<f32> {
        let (length, count) = (self.references.inputs(), self.references.outputs());
        let mut nearest = Vec::with_capacity(count);
        for block in self.references.columns().chunks(length * BLOCK) {
            for products in self.references.apply(&Rows::of(block, length)).chunks_exact(count) {
                let own = groups.get(nearest.len());
                let others = products.iter().zip(groups).filter(|(_, group)| Some(*group) != own);
                nearest.push(others.map(|(product, _)| *product).fold(f32::NEG_INFINITY, f32::max));
            }
        }
        nearest
    }

    /// The same with another threshold; with none, nothing is unknown.
    fn at(self, threshold: Option<f32>) -> Self {
        Self { threshold: threshold.unwrap_or(f32::NEG_INFINITY), ..self }
    }
}

/// The similarity that a share of [`FALSE_ALARM_RATE`] is below; nothing of too few.
fn quantile(mut similarities: Vec<f32>) -> Option<f32> {
    sort_by_number(&mut similarities, |value| (*value).into());
    let rank = (similarities.len() as f64 * FALSE_ALARM_RATE).floor() as usize;
    similarities.get(rank).copied().filter(|_| similarities.len() >= FEWEST_REFERENCES)
}

fn unit(embedding: &[f16]) -> impl Iterator<Item = f16> + '_ {
    let norm = embedding.iter().map(|v| v.to_f32() * v.to_f32()).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    embedding.iter().map(move |v| f16::from_f32(v.to_f32() / norm))
}

#[cfg(test)]
mod tests;
