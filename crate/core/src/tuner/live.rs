//! Live mode: the model follows the examples.

use super::Tuner;
use crate::dataset::Groups;
use crate::error::Result;
use crate::evaluate::{Known, Unknown};
use crate::model::Model;
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
                    known: linear.and_then(|model| model.head_for(&labels)?.columns()),
                    strength: solved.and_then(|model| model.report.strength),
                    temperature: solved.map_or(1.0, |model| model.report.temperature),
                };
                (report.strength, report.temperature) = (start.strength, start.temperature);
                resolve(views, options, &start)
            }
        };
        let unknown = self.unknown(&ids, &labels, before.map(|model| &model.unknown));
        self.model = Some(Model { labels, head, tuned: None, unknown, report });
        Ok(true)
    }

    /// What is unknown beside these examples, of the classes `labels`.
    fn unknown(&self, ids: &[u32], labels: &[String], before: Option<&Unknown>) -> Unknown {
        // Finding near-duplicates compares all with all.
        let groups = Unknown::is_refitted(ids.len(), before).then(|| Groups::of(&self.dataset));
        let known = |id: &u32| {
            let example = self.dataset.get(*id)?;
            Some(Known {
                embedding: self.cache.get(*id, 0)?,
                class: labels.iter().position(|label| *label == example.label)?,
                group: groups.as_ref().map_or(*id, |groups| groups.group(*id)),
            })
        };
        let known: Vec<Known> = ids.iter().filter_map(known).collect();
        Unknown::follow(self.feature_len, &known, before)
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
