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

/// How often predictions of like confidence are right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationBin {
    /// Predictions whose largest probability is in the bin: above `i / bins`, at most `(i + 1) / bins`.
    pub count: usize,
    /// Mean of those probabilities; 0 where there are none.
    pub confidence: f64,
    /// Share of the predictions that are correct; 0 where there are none.
    pub accuracy: f64,
}

/// Bins of the expected calibration error, as in Guo, Pleiss, Sun, Weinberger 2017.
const BINS: usize = 15;

/// Ranks that accuracy is counted up to.
const RANKS: usize = 5;

/// Metrics of a set of predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Stored")]
pub struct Metrics {
    /// Examples that were judged.
    pub count: usize,
    /// Correct among all; 0 where there are none.
    pub accuracy: f64,
    /// Mean of the recalls of the classes that have examples.
    pub balanced_accuracy: f64,
    /// Mean F1 of the classes that have examples or are predicted.
    pub macro_f1: f64,
    /// Share of the examples whose class is among the first 1, 2, ... by probability, up to five or the number of classes;
    /// an equal probability counts against it, but for the first rank, where the first of equals is predicted.
    pub top_k: Vec<f64>,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Mean difference of confidence and accuracy over the bins, weighted by their counts.
    pub calibration_error: f64,
    /// Bins of equal width from 0 to 1; none where nothing was judged, and in files of earlier versions.
    pub calibration: Vec<CalibrationBin>,
    /// Labels in the order of rows and columns of `confusion`.
    pub labels: Vec<String>,
    /// Counts, `confusion[truth][predicted]`.
    pub confusion: Vec<Vec<usize>>,
    /// One entry a class.
    pub per_class: Vec<ClassMetrics>,
}

/// Metrics as a project file has them; earlier versions knew fewer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    count: usize,
    accuracy: f64,
    #[serde(default)]
    top_k: Vec<f64>,
    loss: f64,
    #[serde(default)]
    calibration_error: f64,
    #[serde(default)]
    calibration: Vec<CalibrationBin>,
    labels: Vec<String>,
    confusion: Vec<Vec<usize>>,
    per_class: Vec<ClassMetrics>,
}

impl From<Stored> for Metrics {
    fn from(stored: Stored) -> Self {
        Self {
            count: stored.count,
            accuracy: stored.accuracy,
            balanced_accuracy: balanced_accuracy(&stored.per_class),
            macro_f1: macro_f1(&stored.per_class, &stored.confusion),
            top_k: stored.top_k,
            loss: stored.loss,
            calibration_error: stored.calibration_error,
            calibration: stored.calibration,
            labels: stored.labels,
            confusion: stored.confusion,
            per_class: stored.per_class,
        }
    }
}

impl Metrics {
    /// Judges probabilities of classes against the truth.
    ///
    /// # Shapes
    /// `probabilities`: `[examples, classes]`, row by row; `truth`: one class index an example.
    pub fn new(labels: &[String], probabilities: &[f32], truth: &[usize]) -> Self {
        let classes = labels.len();
        let rows = || probabilities.chunks_exact(classes.max(1)).zip(truth.iter().copied());
        let over = |sum: f64| if truth.is_empty() { 0.0 } else { sum / truth.len() as f64 };
        let mut confusion = vec![vec![0usize; classes]; classes];
        let mut loss = 0.0;
        let mut ranks = vec![0usize; classes.min(RANKS)];
        for (row, class) in rows() {
            let probability = row.get(class).copied().unwrap_or(0.0);
            loss -= f64::from(probability.max(f32::MIN_POSITIVE)).ln();
            if let Some(cell) = confusion.get_mut(class).and_then(|r| r.get_mut(argmax(row))) {
                *cell += 1;
            }
            let rank = rank(row, class);
            ranks.iter_mut().skip(rank).for_each(|count| *count += 1);
        }
        let per_class: Vec<ClassMetrics> =
            labels.iter().enumerate().map(|(c, label)| class_metrics(label, &confusion, c)).collect();
        let correct: usize = confusion.iter().enumerate().filter_map(|(c, row)| row.get(c)).sum();
        let calibration = calibration(rows());
        let gap = |bin: &CalibrationBin| bin.count as f64 * (bin.confidence - bin.accuracy).abs();
        Self {
            count: truth.len(),
            accuracy: over(correct as f64),
            balanced_accuracy: balanced_accuracy(&per_class),
            macro_f1: macro_f1(&per_class, &confusion),
            top_k: ranks.into_iter().map(|count| over(count as f64)).collect(),
            loss: over(loss),
            calibration_error: over(calibration.iter().map(gap).sum()),
            calibration: if truth.is_empty() { Vec::new() } else { calibration },
            labels: labels.to_vec(),
            confusion,
            per_class,
        }
    }
}

/// Place of a class in the order of the probabilities, from 0.
fn rank(row: &[f32], class: usize) -> usize {
    if argmax(row) == class {
        return 0;
    }
    let own = row.get(class).copied().unwrap_or(0.0);
    row.iter().enumerate().filter(|(index, value)| *index != class && **value >= own).count()
}

/// The bins of the largest probabilities.
fn calibration<'a>(rows: impl Iterator<Item = (&'a [f32], usize)>) -> Vec<CalibrationBin> {
    let mut bins = vec![CalibrationBin { count: 0, confidence: 0.0, accuracy: 0.0 }; BINS];
    for (row, class) in rows {
        let predicted = argmax(row);
        let confidence = f64::from(row.get(predicted).copied().unwrap_or(0.0));
        let index = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        if let Some(bin) = bins.get_mut(index) {
            bin.count += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(predicted == class));
        }
    }
    for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
        bin.confidence /= bin.count as f64;
        bin.accuracy /= bin.count as f64;
    }
    bins
}

fn balanced_accuracy(per_class: &[ClassMetrics]) -> f64 {
    mean(per_class.iter().filter(|class| class.support > 0).map(|class| class.recall))
}

fn macro_f1(per_class: &[ClassMetrics], confusion: &[Vec<usize>]) -> f64 {
    let predicted = |class| confusion.iter().filter_map(|row| row.get(class)).sum::<usize>();
    let seen = per_class.iter().enumerate().filter(|(c, class)| class.support + predicted(*c) > 0);
    mean(seen.map(|(_, class)| class.f1))
}

/// The mean; 0 of none.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
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

    /// `tests/golden/metrics/README.md` says where the values come from.
    #[test]
    fn agrees_with_scikit_learn() {
        let cases = include_str!("../../../../tests/golden/metrics/cases.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() >= 4);
        for case in cases {
            let list = |name: &str| case[name].as_array().unwrap().iter();
            let names: Vec<String> = list("labels").map(|l| l.as_str().unwrap().into()).collect();
            let probabilities: Vec<f32> = list("probabilities").map(|p| p.as_f64().unwrap() as f32).collect();
            let truth: Vec<usize> = list("truth").map(|c| c.as_u64().unwrap() as usize).collect();
            let found = serde_json::to_value(Metrics::new(&names, &probabilities, &truth)).unwrap();
            close(&found, &case["expected"], case["name"].as_str().unwrap());
        }
    }

    /// Numbers within 1e-6, all else equal.
    fn close(found: &serde_json::Value, expected: &serde_json::Value, place: &str) {
        use serde_json::Value;
        match (found, expected) {
            (Value::Number(found), Value::Number(expected)) => {
                let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
                assert!((found - expected).abs() < 1e-6, "{place}: {found} {expected}");
            }
            (Value::Array(found), Value::Array(expected)) => {
                assert_eq!(found.len(), expected.len(), "{place}");
                found
                    .iter()
                    .zip(expected)
                    .enumerate()
                    .for_each(|(i, (f, e))| close(f, e, &format!("{place}[{i}]")));
            }
            (Value::Object(found), Value::Object(expected)) => {
                assert_eq!(found.len(), expected.len(), "{place}");
                expected.iter().for_each(|(key, e)| close(&found[key], e, &format!("{place}.{key}")));
            }
            _ => assert_eq!(found, expected, "{place}"),
        }
    }

    #[test]
    fn metrics_of_an_earlier_version_are_read() {
        let whole = Metrics::new(&labels(&["a", "b"]), &[0.9, 0.1, 0.6, 0.4], &[0, 1]);
        let mut json = serde_json::to_value(&whole).unwrap();
        for name in ["balancedAccuracy", "macroF1", "topK", "calibrationError", "calibration"] {
            json.as_object_mut().unwrap().remove(name).unwrap();
        }
        let read: Metrics = serde_json::from_value(json).unwrap();
        assert_eq!((read.balanced_accuracy, read.macro_f1), (whole.balanced_accuracy, whole.macro_f1));
        assert!(read.top_k.is_empty() && read.calibration.is_empty());
    }

    #[test]
    fn a_class_that_is_never_seen_or_predicted_counts_zero() {
        let m = Metrics::new(&labels(&["a", "b"]), &[0.9, 0.1], &[0]);
        assert_eq!((m.per_class[1].precision, m.per_class[1].recall, m.per_class[1].f1), (0.0, 0.0, 0.0));
        let nothing = Metrics::new(&labels(&["a"]), &[], &[]);
        assert_eq!((nothing.accuracy, nothing.calibration_error, nothing.top_k), (0.0, 0.0, vec![0.0]));
    }
}
