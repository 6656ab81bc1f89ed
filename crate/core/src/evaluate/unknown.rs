//! Images unlike everything the head was trained on.
//!
//! The score is the cosine similarity of an embedding to its nearest neighbour among the training examples (Sun, Ming,
//! Zhu, Li 2022, "Out-of-distribution detection with deep nearest neighbors", with k = 1). The softmax of a head says
//! which class is likelier, not whether any fits; distance in the embedding does.

use crate::dense::{Dense, Rows};
use half::f16;

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

/// Embeddings of training examples and the similarity below which an image is unlike all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// Unit vectors.
    references: Dense,
    threshold: f32,
}

impl Unknown {
    /// Takes the plain embeddings of the training examples; the threshold is the [`FALSE_ALARM_RATE`] quantile of each
    /// example's similarity to its nearest neighbour among the others.
    pub fn fit<'a>(length: usize, embeddings: impl ExactSizeIterator<Item = &'a [f16]>) -> Self {
        let stride = embeddings.len().div_ceil(MOST_REFERENCES).max(1);
        let references: Vec<f16> = embeddings.step_by(stride).flat_map(unit).collect();
        let mut unknown = Self::from_parts(length, &references, f32::NEG_INFINITY);
        let count = unknown.references.outputs();
        if count >= FEWEST_REFERENCES {
            let mut nearest = unknown.nearest_others();
            nearest.sort_by(f32::total_cmp);
            let rank = (count as f64 * FALSE_ALARM_RATE).floor() as usize;
            unknown.threshold = nearest.get(rank).copied().unwrap_or(f32::NEG_INFINITY);
        }
        unknown
    }

    /// Takes the plain embeddings of examples that came one by one, and the threshold as it was fitted before: fitting it
    /// compares all with all. Of few it is fitted anew.
    pub fn follow<'a>(
        length: usize,
        embeddings: impl ExactSizeIterator<Item = &'a [f16]>,
        before: Option<&Self>,
    ) -> Self {
        match before {
            Some(before) if embeddings.len() > MOST_REFITTED && before.threshold.is_finite() => {
                let stride = embeddings.len().div_ceil(MOST_REFERENCES).max(1);
                let references: Vec<f16> = embeddings.step_by(stride).flat_map(unit).collect();
                Self::from_parts(length, &references, before.threshold)
            }
            _ => Self::fit(length, embeddings),
        }
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

    /// Similarity of each reference to the nearest of the others.
    fn nearest_others(&self) -> Vec<f32> {
        let (length, count) = (self.references.inputs(), self.references.outputs());
        let mut nearest = Vec::with_capacity(count);
        for block in self.references.columns().chunks(length * BLOCK) {
            for products in self.references.apply(&Rows::of(block, length)).chunks_exact(count) {
                let own = nearest.len();
                let others = products.iter().enumerate().filter(|(index, _)| *index != own);
                nearest.push(others.map(|(_, product)| *product).fold(f32::NEG_INFINITY, f32::max));
            }
        }
        nearest
    }
}

fn unit(embedding: &[f16]) -> impl Iterator<Item = f16> + '_ {
    let norm = embedding.iter().map(|v| v.to_f32() * v.to_f32()).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    embedding.iter().map(move |v| f16::from_f32(v.to_f32() / norm))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Embeddings around two directions of the plane.
    fn known() -> Vec<Vec<f16>> {
        (0..40)
            .map(|i| {
                let angle = if i % 2 == 0 { 0.0 } else { 1.5 } + 0.01 * i as f32;
                [angle.cos() * (1.0 + i as f32), angle.sin() * (1.0 + i as f32)].map(f16::from_f32).to_vec()
            })
            .collect()
    }

    #[test]
    fn what_lies_between_the_known_is_unknown_whatever_its_length() {
        let known = known();
        let unknown = Unknown::fit(2, known.iter().map(Vec::as_slice));
        for length in [0.1, 1.0, 50.0] {
            assert!(!unknown.is_unknown(&[length * 0.99, length * 0.05]));
            assert!(unknown.is_unknown(&[-length, -length]));
        }
        assert!((unknown.similarity(&[3.0, 0.0]) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn few_of_the_known_are_called_unknown() {
        let known = known();
        let unknown = Unknown::fit(2, known.iter().map(Vec::as_slice));
        let floats = |e: &[f16]| e.iter().map(|v| v.to_f32()).collect::<Vec<_>>();
        assert_eq!(known.iter().filter(|e| unknown.is_unknown(&floats(e))).count(), 0);
        assert!(unknown.threshold() > 0.99);
    }

    #[test]
    fn with_few_examples_nothing_is_called_unknown() {
        let few = known();
        let unknown = Unknown::fit(2, few.iter().take(FEWEST_REFERENCES - 1).map(Vec::as_slice));
        assert!(!unknown.is_unknown(&[-1.0, -1.0]));
    }

    #[test]
    fn an_even_sample_is_kept_of_many() {
        let many: Vec<_> = (0..5000).map(|i| [f16::ONE, f16::from_f32(i as f32 / 5000.0)]).collect();
        let unknown = Unknown::fit(2, many.iter().map(|e| &e[..]));
        assert!(unknown.references().len() / 2 <= MOST_REFERENCES);
        assert!(unknown.similarity(&[1.0, 1.0]) > 0.999, "the last ones are in the sample");
    }
}
