//! Images on both sides of the split that are one and the same to the backbone.

use super::finding::{Finding, Kind, images};
use crate::dense::{Dense, Rows};
use crate::prefix::cache::Features;

/// Cosine similarity of two embeddings above which their images show the same. Of the 190 photos of `cutout`, no two
/// of different things reach 0.94, and random crops of one photo have 0.94 to its whole in the median.
const ALIKE: f32 = 0.96;
/// Embeddings that are compared to all at once.
const BLOCK: usize = 64;

/// Examples that are held out and like one that is trained on, each followed by that one.
///
/// # Shapes
/// `train`, `validation`: numbers with plain embeddings of `length`.
pub(crate) fn alike_across_split(
    length: usize,
    train: &[(u32, Features)],
    validation: &[(u32, Features)],
) -> Option<Finding> {
    let columns: Vec<f32> = train.iter().flat_map(|(_, features)| unit(features)).collect();
    let references = Dense::of_columns(&columns, length);
    let mut pairs = Vec::new();
    for block in validation.chunks(BLOCK) {
        let rows: Vec<f32> = block.iter().flat_map(|(_, features)| unit(features)).collect();
        let similarities = references.apply(&Rows::of(&rows, length));
        for ((id, _), row) in block.iter().zip(similarities.chunks_exact(train.len().max(1))) {
            let nearest = row.iter().zip(train).max_by(|a, b| a.0.total_cmp(b.0));
            if let Some((_, (twin, _))) = nearest.filter(|(similarity, _)| **similarity > ALIKE) {
                pairs.push((*id, *twin));
            }
        }
    }
    let message = format!(
        "{} held out to check on look the same to it as images that it learns from.",
        images(pairs.len())
    );
    let advice = "Put images that were taken together into one group, or remove one of each pair: else the accuracy \
                  looks better than it is.";
    let ids = pairs.iter().flat_map(|(id, twin)| [*id, *twin]).collect();
    (!pairs.is_empty()).then(|| Finding::new(Kind::AlikeAcrossSplit, vec![], ids, message, advice))
}

fn unit(features: &Features) -> Vec<f32> {
    let values: Vec<f32> = features.iter().map(|value| value.to_f32()).collect();
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    values.into_iter().map(|value| value / norm).collect()
}
