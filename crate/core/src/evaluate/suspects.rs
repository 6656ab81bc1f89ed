//! Examples whose label is likely wrong.
//!
//! Each is judged by a head that was not trained on it, and ranked by how improbable its own label is: the
//! self-confidence of confident learning (Northcutt, Jiang, Chuang 2021), which needs no threshold.

use crate::rank::sort_by_number;
use serde::{Deserialize, Serialize};

/// An example, and what the others say of its label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspect {
    /// Number of the example.
    pub example: u32,
    /// Its label.
    pub label: String,
    /// The likeliest other label.
    pub likelier: String,
    /// Probability of its own label, by a head that was not trained on it.
    pub probability: f32,
    /// Probability of the likelier one: above the other, they disagree with the label.
    pub likelier_probability: f32,
}

/// Ranks examples by their held-out probabilities, the most suspect first.
///
/// # Shapes
/// `examples`: number and class of each; `probabilities`: `[examples, labels]`, row by row.
pub fn suspects(labels: &[String], examples: &[(u32, usize)], probabilities: &[f32]) -> Vec<Suspect> {
    let rows = probabilities.chunks_exact(labels.len().max(1));
    let suspect = |((example, class), row): (&(u32, usize), &[f32])| {
        let others = row.iter().enumerate().filter(|(index, _)| index != class);
        let (likelier, most) = others.max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(Suspect {
            example: *example,
            label: labels.get(*class)?.clone(),
            likelier: labels.get(likelier)?.clone(),
            probability: *row.get(*class)?,
            likelier_probability: *most,
        })
    };
    let mut found: Vec<Suspect> = examples.iter().zip(rows).filter_map(suspect).collect();
    sort_by_number(&mut found, |suspect| suspect.probability.into());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_that_the_others_doubt_most_comes_first() {
        let labels = ["a", "b", "c"].map(String::from);
        let probabilities = [0.9, 0.1, 0.0, 0.1, 0.2, 0.7, 0.3, 0.4, 0.3];
        let found = suspects(&labels, &[(4, 0), (5, 1), (9, 0)], &probabilities);
        assert_eq!(found.iter().map(|s| s.example).collect::<Vec<_>>(), [5, 9, 4]);
        assert_eq!((found[0].label.as_str(), found[0].likelier.as_str()), ("b", "c"));
        assert_eq!((found[0].probability, found[0].likelier_probability), (0.2, 0.7));
    }
}
