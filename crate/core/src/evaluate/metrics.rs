//! Metrics of a classifier's probabilities against the truth.

use serde::{Deserialize, Serialize};

/// Precision, recall and F1 of one class; each is 0 where it is undefined, as scikit-learn has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassMetrics {
    /// Label of the class.
    pub label: String,
    /// Correct among those predicted as this class.
    pub precision: f64,
    /// Correct among those that are of this class.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Examples that are of this class.
    pub support: usize,
}

/// Metrics of a set of predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Examples that were judged.
    pub count: usize,
    /// Correct among all; 0 where there are none.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Labels in the order of rows and columns of `confusion`.
    pub labels: Vec<String>,
    /// Counts, `confusion[truth][predicted]`.
    pub confusion: Vec<Vec<usize>>,
    /// One entry a class.
    pub per_class: Vec<ClassMetrics>,
}

impl Metrics {
    /// Judges probabilities of classes against the truth.
    ///
    /// # Shapes
    /// `probabilities`: `[examples, classes]`, row by row; `truth`: one class index an example.
    pub fn new(labels: &[String], probabilities: &[f32], truth: &[usize]) -> Self {
        let classes = labels.len();
        let mut confusion = vec![vec![0usize; classes]; classes];
        let mut loss = 0.0;
        for (row, &class) in probabilities.chunks_exact(classes.max(1)).zip(truth) {
            let probability = row.get(class).copied().unwrap_or(0.0);
            loss -= f64::from(probability.max(f32::MIN_POSITIVE)).ln();
            if let Some(cell) = confusion.get_mut(class).and_then(|r| r.get_mut(argmax(row))) {
                *cell += 1;
            }
        }
        let per_class = (0..classes).map(|c| class_metrics(&labels[c], &confusion, c)).collect();
        let correct: usize = confusion.iter().enumerate().filter_map(|(c, row)| row.get(c)).sum();
        let over = |sum: f64| if truth.is_empty() { 0.0 } else { sum / truth.len() as f64 };
        Self {
            count: truth.len(),
            accuracy: over(correct as f64),
            loss: over(loss),
            labels: labels.to_vec(),
            confusion,
            per_class,
        }
    }
}

fn class_metrics(label: &str, confusion: &[Vec<usize>], class: usize) -> ClassMetrics {
    let at = |row: &Vec<usize>, column: usize| row.get(column).copied().unwrap_or(0);
    let correct = confusion.get(class).map_or(0, |row| at(row, class));
    let support = confusion.get(class).map_or(0, |row| row.iter().sum());
    let predicted = confusion.iter().map(|row| at(row, class)).sum();
    let ratio = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    ClassMetrics {
        label: label.to_owned(),
        precision: ratio(correct, predicted),
        recall: ratio(correct, support),
        f1: ratio(2 * correct, predicted + support),
        support,
    }
}

/// Index of the largest value, the first of equals.
pub(crate) fn argmax(row: &[f32]) -> usize {
    let larger = |best: (usize, f32), (i, &v): (usize, &f32)| if v > best.1 { (i, v) } else { best };
    row.iter().enumerate().fold((0, f32::NEG_INFINITY), larger).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| n.to_string()).collect()
    }

    /// Values of scikit-learn 1.9.1: `precision_recall_fscore_support`, `log_loss`, `confusion_matrix`.
    #[test]
    fn agrees_with_scikit_learn() {
        let p = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.3, 0.4, 0.3, 0.2, 0.2, 0.6, 0.5, 0.3, 0.2];
        let m = Metrics::new(&labels(&["a", "b", "c"]), &p, &[0, 1, 0, 2, 1]);
        assert_eq!(m.confusion, [vec![1, 1, 0], vec![1, 1, 0], vec![0, 0, 1]]);
        assert!((m.accuracy - 0.6).abs() < 1e-12);
        assert!((m.loss - 0.699_717_9).abs() < 1e-6, "{}", m.loss);
        let a = &m.per_class[0];
        assert_eq!((a.precision, a.recall, a.f1, a.support), (0.5, 0.5, 0.5, 2));
        assert_eq!(m.per_class[2].f1, 1.0);
    }

    #[test]
    fn a_class_that_is_never_seen_or_predicted_counts_zero() {
        let m = Metrics::new(&labels(&["a", "b"]), &[0.9, 0.1], &[0]);
        assert_eq!((m.per_class[1].precision, m.per_class[1].recall, m.per_class[1].f1), (0.0, 0.0, 0.0));
        assert_eq!(Metrics::new(&labels(&["a"]), &[], &[]).accuracy, 0.0);
    }
}
