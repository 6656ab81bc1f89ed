//! Live mode: the model follows the examples.

use super::Tuner;
use crate::error::Result;
use crate::evaluate::Unknown;
use crate::model::Model;
use crate::prefix::cache::Features;
use crate::train::{
    LabelledView, Neighbourhood, Neighbours, Prototypes, Report, Solver, Start, TrainOptions, Views, resolve,
    weight_variances,
};

/// Examples up to which the neighbours that vote are chosen anew with each: it compares all with all.
const MOST_CHOSEN: usize = 200;

impl Tuner {
    /// Takes the model on to the examples that there are now, as far as their plain views are embedded: live mode. The head is
    /// of class means or of neighbours where the options name that solver, else linear and solved. Its strength and temperature
    /// and, with many examples, the neighbours that vote and the threshold of what is unknown stay as the last training chose
    /// them; nothing is held out. False where there are not two classes with examples.
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
        let mut report = self.live_report(options, ids.len());
        let head = match options.used_solver() {
            Solver::Prototype => {
                let means = Prototypes::new(&views, labels.len(), self.seed);
                report.temperature = means.temperature();
                means.head().with_unit(true)
            }
            Solver::Neighbours => {
                let chosen = before.filter(|_| ids.len() > MOST_CHOSEN).and_then(neighbourhood);
                let near = Neighbours::new(&views, labels.len(), self.seed, chosen);
                report.temperature = near.chosen().temperature;
                report.neighbours = Some(near.chosen().nearest);
                near.head().with_unit(true)
            }
            _ => {
                let linear = before.filter(|model| model.head.unit());
                let solved = before.filter(|model| model.report.strength.is_some());
                let start = Start {
                    classes: labels.len(),
                    known: linear.and_then(|model| model.columns_for(&labels)),
                    strength: solved.and_then(|model| model.report.strength),
                    temperature: solved.map_or(1.0, |model| model.report.temperature),
                };
                (report.strength, report.temperature) = (start.strength, start.temperature);
                resolve(views, options, &start)
            }
        };
        let embeddings: Vec<Features> = ids.iter().filter_map(|id| self.cache.get(*id, 0)).cloned().collect();
        let unknown = before.map(|model| &model.unknown);
        let unknown = Unknown::follow(self.feature_len, embeddings.iter().map(|row| &row[..]), unknown);
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

    fn live_report(&self, options: &TrainOptions, train_examples: usize) -> Report {
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
            strength: None,
            neighbours: None,
            temperature: 1.0,
            options: options.clone(),
            seed: self.seed,
        }
    }
}

/// What was chosen for the neighbours of a model, if it has such a head.
fn neighbourhood(model: &Model) -> Option<Neighbourhood> {
    Some(Neighbourhood { nearest: model.report.neighbours?, temperature: model.report.temperature })
}
