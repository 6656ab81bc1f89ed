//! Findings by cross-validation, pulled step by step: each example is judged by heads that were not trained on it.

use super::finding::{Finding, Kind, images, quoted};
use crate::evaluate::{argmax, suspects};
use crate::rank::sort_by_number;
use crate::train::{CrossValidation, HeldOut};
use serde::{Deserialize, Serialize};

/// Parts of the examples that the learning curve learns from.
const SHARES: [f64; 3] = [0.25, 0.5, 1.0];
/// A label is called wrong where its own probability is below the first and another's above the second. With a tenth of
/// the labels of `cutout` flipped this names 13 to 17 of the 19, and one or none of the others; of the labels as they are, 2.
const DOUBTED: f32 = 0.1;
const LIKELIER: f32 = 0.5;
/// Two classes are confused where at least so many of their examples, and this share of them, are taken for the other.
const FEWEST_CONFUSED: usize = 3;
const LEAST_CONFUSED: f64 = 0.1;
/// More images are called for where learning from all makes this much fewer mistakes than from half, of all judged.
const LEAST_GAIN: f64 = 0.01;

/// One point of the learning curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Examples that were learnt from, on average over the folds.
    pub examples: usize,
    /// Share of the held-out examples that were named correctly.
    pub accuracy: f64,
}

/// The findings on a project's examples.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// What is wrong; nothing where nothing was found.
    pub findings: Vec<Finding>,
    /// Accuracy by number of examples; none where there are too few to say.
    pub learning_curve: Vec<CurvePoint>,
}

/// A checkup in work.
pub struct Checkup {
    health: Health,
    labels: Vec<String>,
    ids: Vec<u32>,
    truth: Vec<usize>,
    work: Option<CrossValidation>,
    stage: usize,
    /// What was made of the examples by the last heads of the curve, which learnt from all others.
    judged: Option<HeldOut>,
}

impl Checkup {
    /// Begins with findings that need no training, and a cross-validation of the plain views of the examples `ids`; without
    /// one it is done.
    pub(crate) fn new(
        findings: Vec<Finding>,
        labels: Vec<String>,
        ids: Vec<u32>,
        work: Option<CrossValidation>,
    ) -> Self {
        let truth = work.as_ref().map_or_else(Vec::new, CrossValidation::truth);
        let health = Health { findings, learning_curve: Vec::new() };
        Self { health, labels, ids, truth, work, stage: 0, judged: None }
    }

    /// Takes one step; false where there is none left.
    pub fn step(&mut self) -> bool {
        let Some(mut work) = self.work.take() else { return false };
        if !work.step() {
            self.work = Some(work);
            return true;
        }
        let held_out = work.held_out();
        match self.stage.checked_sub(1).and_then(|place| SHARES.get(place)) {
            None => self.health.findings.extend(self.mislabelled(&held_out)),
            Some(_) => self.add_point(work.learnt(), held_out),
        }
        self.work = SHARES.get(self.stage).map(|share| work.of_share(*share));
        self.stage += 1;
        if self.work.is_none() {
            self.health.findings.extend(self.confused());
            self.health.findings.extend(self.more_images());
        }
        true
    }

    /// What was found, once no step is left; before, what there is so far.
    pub fn finish(self) -> Health {
        self.health
    }

    fn add_point(&mut self, learnt: usize, held_out: HeldOut) {
        if held_out.views.is_empty() {
            return;
        }
        let correct = self.predicted(&held_out).filter(|(_, truth, predicted, _)| truth == predicted).count();
        let accuracy = correct as f64 / held_out.views.len() as f64;
        // So few examples that a smaller part of them is the same part.
        if self.health.learning_curve.last().is_some_and(|last| last.examples >= learnt) {
            self.health.learning_curve.clear();
        }
        self.health.learning_curve.push(CurvePoint { examples: learnt, accuracy });
        self.judged = Some(held_out);
    }

    /// Number, class, predicted class and its probability of each example that was judged.
    fn predicted<'a>(&'a self, held_out: &'a HeldOut) -> impl Iterator<Item = (u32, usize, usize, f32)> + 'a {
        let rows = held_out.probabilities.chunks_exact(self.labels.len().max(1));
        held_out.views.iter().zip(rows).filter_map(|(view, row)| {
            let predicted = argmax(row);
            Some((*self.ids.get(*view)?, *self.truth.get(*view)?, predicted, *row.get(predicted)?))
        })
    }

    fn mislabelled(&self, held_out: &HeldOut) -> Option<Finding> {
        let pick = |view: &usize| Some((*self.ids.get(*view)?, *self.truth.get(*view)?));
        let judged: Vec<(u32, usize)> = held_out.views.iter().filter_map(pick).collect();
        let doubted: Vec<_> = suspects(&self.labels, &judged, &held_out.probabilities)
            .into_iter()
            .filter(|one| one.probability < DOUBTED && one.likelier_probability > LIKELIER)
            .collect();
        let labels = self.labels.iter().filter(|label| doubted.iter().any(|one| one.label == **label));
        let message = match &doubted[..] {
            [] => return None,
            [one] => format!("An image of “{}” looks more like “{}”.", one.label, one.likelier),
            more => format!("{} look more like another class than like their own.", images(more.len())),
        };
        let advice = "Look at each: move it if its label is wrong, and leave it if it is only unusual.";
        let ids = doubted.iter().map(|one| one.example).collect();
        Some(Finding::new(Kind::Mislabelled, labels.cloned().collect(), ids, message, advice))
    }

    /// Pairs of classes that heads trained on all others take for each other, the worst first.
    fn confused(&self) -> Vec<Finding> {
        let Some(last) = &self.judged else { return Vec::new() };
        let classes = self.labels.len();
        let mut found = Vec::new();
        for one in 0..classes {
            for other in one + 1..classes {
                let pair = || self.predicted(last).filter(|(_, truth, ..)| [one, other].contains(truth));
                let mut wrong: Vec<_> = pair()
                    .filter(|(_, truth, predicted, _)| truth != predicted && [one, other].contains(predicted))
                    .collect();
                let share = wrong.len() as f64 / pair().count().max(1) as f64;
                if wrong.len() >= FEWEST_CONFUSED && share >= LEAST_CONFUSED {
                    sort_by_number(&mut wrong, |one| (-one.3).into());
                    found.push((share, self.confusion([one, other], &wrong, pair().count())));
                }
            }
        }
        sort_by_number(&mut found, |(share, _)| -share);
        found.into_iter().map(|(_, finding)| finding).collect()
    }

    fn confusion(&self, pair: [usize; 2], wrong: &[(u32, usize, usize, f32)], of: usize) -> Finding {
        let labels: Vec<String> = pair.iter().filter_map(|class| self.labels.get(*class).cloned()).collect();
        let message =
            format!("{} of {of} images of {} are taken for the other.", wrong.len(), quoted(&labels));
        let advice =
            "Add images that show what tells the two apart, or make them one class if that does not matter.";
        let ids = wrong.iter().map(|(id, ..)| *id).collect();
        Finding::new(Kind::Confused, labels, ids, message, advice)
    }

    fn more_images(&self) -> Option<Finding> {
        let [.., half, all] = &self.health.learning_curve[..] else { return None };
        if all.accuracy - half.accuracy < LEAST_GAIN {
            return None;
        }
        let percent = |accuracy: f64| format!("{:.0}%", accuracy * 100.0);
        let message = format!(
            "Having learnt from {} it names {} of the others correctly, from {} {}.",
            images(half.examples),
            percent(half.accuracy),
            all.examples,
            percent(all.accuracy)
        );
        let advice = "More images would help further, first of the classes that are taken for others.";
        Some(Finding::new(Kind::MoreImages, vec![], vec![], message, advice))
    }
}
