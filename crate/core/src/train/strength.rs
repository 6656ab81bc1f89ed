//! How strongly a linear head is held back: chosen by cross-validation, as is how sure it may be.

use super::lbfgs::Lbfgs;
use super::objective::Objective;
use super::samples::Samples;
use super::{HeldOut, Targets, TrainOptions};
use crate::dataset::folds;
use crate::evaluate::Temperature;
use crate::seed;
use std::collections::{BTreeMap, BTreeSet};

/// Values of `C` that are tried, from strong to weak regularisation.
const STRENGTHS: [f64; 3] = [0.01, 0.1, 1.0];
/// What is used where there is nothing to choose by.
pub(super) const FALLBACK: f64 = 0.1;
/// Folds, so that four fifths of the examples are learnt from each time.
const FOLDS: usize = 5;
/// Iterations on a fold at most: the choice does not need the last digits.
const MOST_ITERATIONS: usize = 15;
/// A gradient whose largest number is below this is flat enough for the choice.
const FLAT: f64 = 1e-3;

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Inverse regularisation strength, scikit-learn's `C` with one sample an example.
    pub strength: f64,
    /// The temperature that fits the held-out predictions.
    pub temperature: f32,
    /// The cross-entropy of the held-out predictions at that temperature.
    pub loss: f64,
}

impl Choice {
    /// A strength that nothing speaks for, and no temperature.
    pub fn of_strength(strength: f64) -> Self {
        Self { strength, temperature: 1.0, loss: f64::INFINITY }
    }
}

/// A cross-validation in work, on the plain view of each example: what is judged later is plain as well.
///
/// For each strength, each fold is judged by a head that is trained on the others; each begins where it ended at the
/// strength before. The strength of the least cross-entropy is chosen, at the temperature that suits it best.
pub struct Selection {
    samples: Samples,
    truth: Vec<usize>,
    folds: Vec<Fold>,
    classes: usize,
    strengths: &'static [f64],
    /// Index of the strength, of the fold and number of the iteration in work.
    place: (usize, usize, usize),
    best: Option<Choice>,
    /// The held-out scores at the best strength.
    kept: Vec<f32>,
}

/// A fold that is held out.
struct Fold {
    held_out: Vec<usize>,
    learnt: usize,
    objective: Objective,
    solver: Option<Lbfgs>,
    /// Where it ended last.
    at: Vec<f32>,
    /// `[held_out, classes]`
    scores: Vec<f32>,
}

impl Selection {
    /// Begins the choice on plain samples.
    pub fn new(samples: Samples, classes: usize, options: &TrainOptions, seed: u32) -> Self {
        Self::thinned(samples, classes, options, seed, 1.0)
    }

    /// The same, where each fold learns from only a share of the groups of each class, but at least one.
    pub fn thinned(samples: Samples, classes: usize, options: &TrainOptions, seed: u32, share: f64) -> Self {
        let (truth, groups) = (samples.views().classes(), samples.views().groups());
        let dealt = folds(&truth, &groups, FOLDS, seed);
        let fold = |index| {
            let is_out = |place: &usize| dealt.get(*place).copied().flatten() == Some(index);
            let (held_out, learnt): (Vec<usize>, Vec<usize>) = (0..truth.len()).partition(is_out);
            let learnt = thin(learnt, &truth, &groups, seed, share);
            (!held_out.is_empty()).then(|| Fold::new(&samples, &truth, held_out, &learnt, classes, options))
        };
        let folds = (0..FOLDS).filter_map(fold).collect();
        Self {
            folds,
            truth,
            classes,
            samples,
            place: (0, 0, 0),
            best: None,
            strengths: &STRENGTHS,
            kept: Vec::new(),
        }
    }

    /// Takes one iteration; gives the choice after the last.
    pub fn step(&mut self) -> Option<Choice> {
        let (strength, fold, iteration) = &mut self.place;
        let Some(value) = self.strengths.get(*strength) else { return Some(self.choice()) };
        if let Some(work) = self.folds.get_mut(*fold) {
            *iteration += 1;
            if !work.step(&self.samples, *value, self.classes) || *iteration == MOST_ITERATIONS {
                work.solver = None;
                (*fold, *iteration) = (*fold + 1, 0);
            }
        } else {
            let value = *value;
            (*strength, *fold) = (*strength + 1, 0);
            if !self.judge(value) {
                return Some(self.choice());
            }
        }
        None
    }

    /// Compares a strength with those before; false where it is worse, and weaker ones need not be tried.
    fn judge(&mut self, strength: f64) -> bool {
        let scores: Vec<f32> = self.folds.iter().flat_map(|fold| fold.scores.iter().copied()).collect();
        let (_, truth) = self.judged();
        if truth.is_empty() {
            return false;
        }
        let Temperature { value, loss } = Temperature::fit(&scores, &truth, self.classes);
        let better = self.best.is_none_or(|best| loss < best.loss);
        if better {
            self.best = Some(Choice { strength, temperature: value, loss });
            self.kept = scores;
        }
        better
    }

    /// The views that were held out, in the order of the scores, and their classes.
    fn judged(&self) -> (Vec<usize>, Vec<usize>) {
        let places = self.folds.iter().flat_map(|fold| &fold.held_out);
        places.filter_map(|place| Some((*place, *self.truth.get(*place)?))).unzip()
    }

    /// The same with other strengths to choose from.
    pub fn among(self, strengths: &'static [f64]) -> Self {
        Self { strengths, ..self }
    }

    /// What the heads of the chosen strength make of the views that they were not trained on.
    pub fn held_out(&self) -> HeldOut {
        let (views, truth) = self.judged();
        HeldOut::new(views, truth, self.kept.clone(), self.classes, self.choice().temperature)
    }

    /// Class of each sample.
    pub fn truth(&self) -> &[usize] {
        &self.truth
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Samples that a fold learns from, on average.
    pub fn learnt(&self) -> usize {
        self.folds.iter().map(|fold| fold.learnt).sum::<usize>() / self.folds.len().max(1)
    }

    /// The samples, for another choice.
    pub fn into_samples(self) -> Samples {
        self.samples
    }

    fn choice(&self) -> Choice {
        self.best.unwrap_or(Choice::of_strength(FALLBACK))
    }
}

/// A share of the groups of each class, drawn by the seed: a smaller share is part of a larger one.
fn thin(places: Vec<usize>, truth: &[usize], groups: &[u32], seed: u32, share: f64) -> Vec<usize> {
    if share >= 1.0 {
        return places;
    }
    let mut of = BTreeMap::<usize, BTreeSet<(u32, u32)>>::new();
    let named = |place: &usize| Some((*truth.get(*place)?, *groups.get(*place)?));
    for (class, group) in places.iter().filter_map(named) {
        of.entry(class).or_default().insert((seed::mix(seed, group, seed::CURVE), group));
    }
    let kept: BTreeSet<(usize, u32)> = of
        .into_iter()
        .flat_map(|(class, groups)| {
            let count = ((groups.len() as f64 * share).round() as usize).max(1);
            groups.into_iter().take(count).map(move |(_, group)| (class, group))
        })
        .collect();
    places.into_iter().filter(|place| named(place).is_some_and(|pair| kept.contains(&pair))).collect()
}

impl Fold {
    /// A fold that learns from some samples to judge others.
    fn new(
        samples: &Samples,
        truth: &[usize],
        held_out: Vec<usize>,
        learnt: &[usize],
        classes: usize,
        options: &TrainOptions,
    ) -> Self {
        let known: Vec<usize> = learnt.iter().filter_map(|place| truth.get(*place).copied()).collect();
        let known_shares = Targets::new(options, classes, &known).shares(&known);
        let mut shares = vec![0.0; truth.len() * classes];
        for (place, values) in learnt.iter().zip(known_shares.chunks_exact(classes)) {
            shares.iter_mut().skip(place * classes).zip(values).for_each(|(to, value)| *to = *value);
        }
        let objective = Objective::new(samples.length(), classes, shares, 0.0);
        let at = objective.origin();
        Self { held_out, learnt: learnt.len(), objective, solver: None, at, scores: Vec::new() }
    }

    /// Takes an iteration; false where it gains nothing more.
    fn step(&mut self, samples: &Samples, strength: f64, classes: usize) -> bool {
        self.objective.set_penalty(1.0 / (strength * self.learnt as f64));
        let objective = &self.objective;
        let mut scores = None;
        let mut evaluate = |at| {
            let found = objective.evaluate(samples, at);
            scores = Some(found.scores);
            found.point
        };
        let begun = self.solver.is_some();
        let solver = self.solver.get_or_insert_with(|| Lbfgs::new(evaluate(std::mem::take(&mut self.at))));
        let moved = begun && solver.step(evaluate);
        self.at.clone_from(&solver.point().at);
        let goes_on = (moved || !begun) && solver.steepness() > FLAT;
        // After a search that found nothing, the scores are of a point that was not taken.
        if let Some(all) = scores.filter(|_| moved || !begun) {
            let row =
                |index: &usize| all.get(index * classes..(index + 1) * classes).unwrap_or_default().to_vec();
            self.scores = self.held_out.iter().flat_map(row).collect();
        }
        goes_on
    }
}
