//! Live mode: the model follows the examples.

use super::Tuner;
use crate::error::Result;
use crate::evaluate::Unknown;
use crate::model::Model;
use crate::prefix::cache::Features;
use crate::train::{LabelledView, Report, Start, TrainOptions, Views, resolve, weight_variances};

impl Tuner {
    /// Takes the model on to the examples that there are now, as far as their plain views are embedded: live mode. Strength,
    /// temperature and, with many examples, the threshold of what is unknown stay as the last training chose them; nothing
    /// is held out. False where there are not two classes with examples.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give values back.
    pub fn follow(&mut self, options: &TrainOptions) -> Result<bool> {
        let embedded = |id: &u32| self.cache.get(*id, 0).is_some();
        let ids: Vec<u32> = self.dataset.examples().iter().map(|e| e.id).filter(embedded).collect();
        let seen =
            |label: &String| ids.iter().any(|id| self.dataset.get(*id).is_some_and(|e| e.label == *label));
        let labels: Vec<String> = self.dataset.labels().iter().filter(|label| seen(label)).cloned().collect();
        if labels.len() < 2 {
            return Ok(false);
        }
        let views = self.embedded(&ids, &labels);
        let before = self.model.as_ref();
        let linear = before.filter(|model| model.head.unit());
        let start = Start {
            classes: labels.len(),
            known: linear.map(|model| model.columns_for(&labels)).transpose()?.flatten(),
            strength: before.and_then(|model| model.report.strength),
            temperature: before.map_or(1.0, |model| model.report.temperature),
        };
        let embeddings: Vec<Features> = ids.iter().filter_map(|id| self.cache.get(*id, 0)).cloned().collect();
        let unknown = before.map(|model| &model.unknown);
        let unknown = Unknown::follow(self.feature_len, embeddings.iter().map(|row| &row[..]), unknown);
        let head = resolve(views, options, &start)?;
        let report = self.live_report(&start, options, ids.len());
        self.model = Some(Model { labels, head, tuned: None, unknown, report });
        Ok(true)
    }

    /// The plain views of examples, of the classes `labels`.
    fn embedded(&self, ids: &[u32], labels: &[String]) -> Views {
        let view = |id: &u32| {
            let example = self.dataset.get(*id)?;
            let class = labels.iter().position(|label| *label == example.label)?;
            let features = self.cache.get(*id, 0)?.clone();
            Some(LabelledView { features, class, group: *id, plain: true })
        };
        Views::new(self.feature_len, ids.iter().filter_map(view).collect())
            .with_prior(weight_variances(&self.spec))
    }

    fn live_report(&self, start: &Start, options: &TrainOptions, train_examples: usize) -> Report {
        Report {
            epochs: Vec::new(),
            best_epoch: 0,
            stopped_early: false,
            train_examples,
            validation_examples: 0,
            validation: None,
            cross_validation: None,
            diverged: None,
            tuning: None,
            strength: start.strength,
            temperature: start.temperature,
            options: options.clone(),
            seed: self.seed,
        }
    }
}
