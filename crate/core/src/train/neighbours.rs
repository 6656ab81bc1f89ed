//! A head of nearest neighbours: an image is of the class whose nearest examples, by angle, are nearest to it.
//!
//! It keeps the examples themselves, at unit length and in the plain view, and fits nothing but how many of each class vote
//! and how sure the votes may be, both by cross-validation.

use super::prototypes::{FOLDS, SHARPNESS};
use super::{HeldOut, Standardisation, Sums, Views, targets};
use crate::dataset::folds;
use crate::dense::Dense;
use crate::evaluate::Temperature;
use crate::head::{Head, Votes};

/// Numbers of neighbours that are tried: the odd ones that are usual with few examples.
const NEAREST: [usize; 3] = [1, 3, 5];
/// Most examples that are kept, as many as to tell what is unknown: past it an even sample of each class is, which bounds a
/// project file to some megabytes and the choice to seconds.
const MOST_EXAMPLES: usize = 2000;
/// Examples of a class up to which `auto` looks at this head.
const FEW: usize = 5;
/// Views that are judged in a step.
const BLOCK: usize = 256;

/// What cross-validation chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbourhood {
    /// Examples of each class that vote.
    pub nearest: usize,
    /// What the votes are divided by.
    pub temperature: f32,
}

/// The head, and how well it does on examples that it does not keep.
pub struct Neighbours {
    train: Views,
    by: Standardisation,
    /// Columns of unit length times the sharpness.
    examples: Dense,
    truth: Vec<usize>,
    classes: usize,
    chosen: Neighbourhood,
    held_out: Option<HeldOut>,
    /// What was made of the views that are judged yet, and how many those are.
    sums: Sums,
    judged: usize,
}

impl Neighbours {
    /// The neighbours among views of `classes` classes. What is not chosen yet is by cross-validation, for which the seed deals
    /// their groups into folds.
    pub fn new(train: &Views, classes: usize, seed: u32, chosen: Option<Neighbourhood>) -> Self {
        let (plain, by) = (train.plain(), Standardisation::unit(train.length()));
        let places = kept(&plain.classes(), classes);
        let mut columns = plain.standardised(&places, &by);
        columns.iter_mut().for_each(|value| *value *= SHARPNESS);
        let truth = places.iter().map(|place| plain.class(*place)).collect();
        let mut neighbours = Self {
            train: train.clone(),
            examples: Dense::of_columns(&columns, train.length()),
            by,
            truth,
            classes,
            chosen: Neighbourhood { nearest: 1, temperature: 1.0 },
            held_out: None,
            sums: Sums::default(),
            judged: 0,
        };
        match chosen {
            Some(chosen) => neighbours.chosen = chosen,
            None => neighbours.choose(&plain, &places, seed),
        }
        neighbours
    }

    /// Whether no class has more examples than this head is good for.
    pub fn suits(train: &Views, classes: usize) -> bool {
        let truth = train.plain().classes();
        (0..classes).all(|class| truth.iter().filter(|own| **own == class).count() <= FEW)
    }

    /// What was chosen.
    pub fn chosen(&self) -> Neighbourhood {
        self.chosen
    }

    /// What is made of the examples, each without those of its fold; nothing where none could be left out.
    pub fn held_out(&self) -> Option<&HeldOut> {
        self.held_out.as_ref()
    }

    /// Judges some views by the head, which is there from the beginning; after the last gives what it made of all, of which the
    /// plain ones are their own neighbours.
    pub fn step(&mut self) -> Option<Sums> {
        let block: Vec<usize> = (self.judged..self.train.len()).take(BLOCK).collect();
        let votes = self.votes(self.chosen.nearest, &[], None);
        let units = self.examples.apply(&self.train.standardised_rows(&block, &self.by));
        let rows = units.chunks_exact(self.truth.len().max(1));
        let mut scores: Vec<f32> = rows.flat_map(|row| votes.scores(row)).collect();
        scores.iter_mut().for_each(|score| *score /= self.chosen.temperature);
        let truth: Vec<usize> = block.iter().map(|view| self.train.class(*view)).collect();
        let shares = targets::even_shares(&truth, self.classes);
        let loss = targets::loss_into_gradient(&mut scores.clone(), &shares, self.classes);
        self.sums.add(loss, &scores, &truth);
        self.judged += block.len();
        self.ended().then(|| std::mem::take(&mut self.sums))
    }

    /// Whether all views are judged.
    pub fn ended(&self) -> bool {
        self.judged >= self.train.len()
    }

    /// The head.
    pub fn head(&self) -> Head {
        let Neighbourhood { nearest, temperature } = self.chosen;
        let chosen = (self.classes, nearest, temperature);
        Head::neighbours(self.examples.clone(), &self.truth, chosen)
    }

    /// The votes of the examples, but for those of a fold that is left out.
    fn votes(&self, nearest: usize, folds: &[Option<usize>], out: Option<usize>) -> Votes {
        let mut votes = Votes::new(nearest, self.classes);
        for (unit, class) in self.truth.iter().enumerate() {
            if out.is_none() || folds.get(unit).copied().flatten() != out {
                votes.add(unit, *class);
            }
        }
        votes
    }

    /// Takes the number of neighbours of the least cross-entropy on examples that are judged by those of the other folds.
    fn choose(&mut self, plain: &Views, places: &[usize], seed: u32) {
        let all_groups = plain.groups();
        let groups: Vec<u32> = places.iter().filter_map(|place| all_groups.get(*place).copied()).collect();
        let folds = folds(&self.truth, &groups, FOLDS, seed);
        let views: Vec<usize> =
            places.iter().zip(&folds).filter_map(|(place, fold)| fold.map(|_| *place)).collect();
        if views.is_empty() {
            return;
        }
        let truth: Vec<usize> = views.iter().map(|place| plain.class(*place)).collect();
        let units = self.examples.apply(&plain.standardised_rows(&views, &self.by));
        let mut least = f64::INFINITY;
        for nearest in NEAREST {
            let mut votes = Vec::new();
            votes.extend((0..FOLDS).map(|fold| self.votes(nearest, &folds, Some(fold))));
            let mut scores = Vec::with_capacity(views.len() * self.classes);
            for (row, fold) in units.chunks_exact(self.truth.len().max(1)).zip(folds.iter().flatten()) {
                scores.extend(votes.get(*fold).map(|votes| votes.scores(row)).unwrap_or_default());
            }
            let Temperature { value: temperature, loss } = Temperature::fit(&scores, &truth, self.classes);
            if loss < least {
                least = loss;
                self.chosen = Neighbourhood { nearest, temperature };
                self.held_out =
                    Some(HeldOut::new(views.clone(), truth.clone(), scores, self.classes, temperature));
            }
        }
    }
}

/// The examples that are kept: all, or as many of each class at even distances as bring all below the most.
fn kept(truth: &[usize], classes: usize) -> Vec<usize> {
    let most = (MOST_EXAMPLES / classes.max(1)).max(1);
    let of = |class: usize| {
        let own: Vec<usize> = (0..truth.len()).filter(|place| truth.get(*place) == Some(&class)).collect();
        let stride = if truth.len() > MOST_EXAMPLES { own.len().div_ceil(most).max(1) } else { 1 };
        own.into_iter().step_by(stride)
    };
    (0..classes).flat_map(of).collect()
}

#[cfg(test)]
mod tests;
