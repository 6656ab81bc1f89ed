//! What a training leaves: the head, its labels, what it was trained on and how that went.

use crate::backbone::TunedStages;
use crate::error::{Error, Result};
use crate::evaluate::{Metrics, Saliency, Unknown, argmax};
use crate::head::Head;
use crate::rank::sort_by_number;
use crate::train::Report;
use serde::{Deserialize, Serialize};

/// A trained classifier on embeddings.
#[derive(Debug, Clone)]
pub struct Model {
    /// Labels in the order of the head's outputs.
    pub labels: Vec<String>,
    /// The trained head.
    pub head: Head,
    /// The stages that were trained with it: the head reads the embedding of these.
    pub tuned: Option<TunedStages>,
    /// Which embeddings are unlike the training examples.
    pub unknown: Unknown,
    /// How it was trained.
    pub report: Report,
}

/// A class and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Label of the class.
    pub label: String,
    /// 0 to 1.
    pub probability: f32,
}

/// What an image shows, as far as the head can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The most probable class.
    pub label: String,
    /// Its probability, 0 to 1.
    pub probability: f32,
    /// Whether the image is unlike every training example.
    pub unknown: bool,
    /// Every class, most probable first; the probabilities sum to one.
    pub scores: Vec<Score>,
}

impl Model {
    /// Classifies embeddings.
    ///
    /// # Shapes
    /// `features`: `[images, length]`, row by row; one prediction an image.
    ///
    /// # Errors
    /// `INTERNAL` where the features are not a multiple of the head's length.
    pub fn predict(&self, features: &[f32]) -> Result<Vec<Prediction>> {
        let probabilities = self.probabilities(features)?;
        let rows = features.chunks_exact(self.head.features());
        Ok(rows
            .zip(probabilities.chunks_exact(self.labels.len()))
            .map(|(embedding, row)| self.prediction(row, self.unknown.is_unknown(embedding)))
            .collect())
    }

    /// Judges the model on embeddings of images whose labels are known.
    ///
    /// # Errors
    /// `LABEL_UNKNOWN` for a label that the model was not trained on; `INTERNAL` as [`Model::predict`].
    pub fn evaluate(&self, features: &[f32], labels: &[String]) -> Result<Metrics> {
        let truth = labels.iter().map(|label| self.class(label)).collect::<Result<Vec<_>>>()?;
        Ok(Metrics::new(&self.labels, &self.probabilities(features)?, &truth))
    }

    /// Where in an image a class was seen; the most probable one where none is named.
    ///
    /// # Shapes
    /// `map`: `[features, side, side]`, the last feature map of the image.
    ///
    /// # Errors
    /// `LABEL_UNKNOWN` for a label that the model was not trained on; `INTERNAL` where the map does not fit the head.
    pub fn explain(&self, map: &[f32], label: Option<&str>) -> Result<Saliency> {
        let class = match label {
            Some(label) => self.class(label)?,
            None => {
                let cells = (map.len() / self.head.features().max(1)).max(1);
                let mean = |channel: &[f32]| channel.iter().sum::<f32>() / cells as f32;
                let embedding: Vec<f32> = map.chunks_exact(cells).map(mean).collect();
                argmax(&self.probabilities(&embedding)?)
            }
        };
        Saliency::of(&self.head, map, class)
    }

    /// Its head for classes of these labels, at no temperature, with zeros for those that it does not know: what a training goes
    /// on from. Nothing where it reads the embedding of fine-tuned stages, since the next training begins with the pretrained
    /// ones, or where it is one of neighbours.
    pub fn head_for(&self, labels: &[String]) -> Option<Head> {
        if self.tuned.is_some() || self.head.nearest() > 0 {
            return None;
        }
        let from: Vec<Option<usize>> =
            labels.iter().map(|label| self.labels.iter().position(|known| known == label)).collect();
        Some(self.head.for_classes(&from).heated(self.report.temperature))
    }

    /// Gives a class another label.
    pub fn rename_class(&mut self, label: &str, to: &str) {
        let rename = |name: &mut String| {
            if name == label {
                to.clone_into(name);
            }
        };
        self.labels.iter_mut().for_each(rename);
        let alone = self.report.tuning.as_mut().and_then(|tuning| tuning.head_validation.as_mut());
        let own = [self.report.validation.as_mut(), self.report.cross_validation.as_mut()];
        for metrics in own.into_iter().flatten().chain(alone) {
            metrics.labels.iter_mut().for_each(rename);
            metrics.per_class.iter_mut().map(|class| &mut class.label).for_each(rename);
        }
    }

    fn class(&self, label: &str) -> Result<usize> {
        let unknown = || Error::LabelUnknown { label: label.to_owned(), known: self.labels.join(", ") };
        self.labels.iter().position(|known| known == label.trim()).ok_or_else(unknown)
    }

    fn probabilities(&self, features: &[f32]) -> Result<Vec<f32>> {
        let length = self.head.features();
        if !features.len().is_multiple_of(length) {
            return Err(Error::Internal {
                reason: format!(
                    "{} feature values do not divide into embeddings of {length}",
                    features.len()
                ),
            });
        }
        Ok(self.head.probabilities(features))
    }

    fn prediction(&self, row: &[f32], unknown: bool) -> Prediction {
        let pair =
            |(label, probability): (&String, &f32)| Score { label: label.clone(), probability: *probability };
        let mut scores: Vec<Score> = self.labels.iter().zip(row).map(pair).collect();
        sort_by_number(&mut scores, |score| (-score.probability).into());
        let (label, probability) =
            scores.first().map_or((String::new(), 0.0), |best| (best.label.clone(), best.probability));
        Prediction { label, probability, unknown, scores }
    }
}
