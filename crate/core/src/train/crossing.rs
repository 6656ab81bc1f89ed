//! A head that is trained by batches, judged on examples that it was not trained on: five times it is trained anew without a
//! fifth of them. Only of few examples, where too few are held out to say how good it is.

use super::descent::Descent;
use super::{HeldOut, Standardisation, TrainOptions, Views};
use crate::dataset::folds;
use crate::evaluate::Temperature;

/// Folds, so that four fifths of the examples are learnt from each time.
const FOLDS: usize = 5;
/// Examples up to which a head is trained five times more: with more of them, some can be held out.
const MOST_EXAMPLES: usize = 100;

/// A cross-validation in work, pulled step by step.
pub struct Crossing {
    train: Views,
    classes: usize,
    options: TrainOptions,
    seed: u32,
    /// Fold of each view.
    dealt: Vec<Option<usize>>,
    fold: usize,
    work: Option<Work>,
    judged: Vec<usize>,
    scores: Vec<f32>,
    ended: bool,
}

/// A fold that is held out, and the head that learns from the others.
struct Work {
    by: Standardisation,
    descent: Descent,
    epochs: u32,
}

impl Crossing {
    /// Of the views that a head of `classes` classes is trained on; nothing where there are too many.
    pub fn new(train: &Views, classes: usize, options: &TrainOptions, seed: u32) -> Option<Self> {
        let examples = (0..train.len()).filter(|view| train.is_plain(*view)).count();
        (examples <= MOST_EXAMPLES).then(|| Self {
            dealt: folds(&train.classes(), &train.groups(), FOLDS, seed),
            train: train.clone(),
            classes,
            options: options.clone(),
            seed,
            fold: 0,
            work: None,
            judged: Vec::new(),
            scores: Vec::new(),
            ended: false,
        })
    }

    /// Whether all folds are judged, or one got out of hand.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Takes one step of the training without the fold at hand.
    pub fn step(&mut self) {
        let (out, learnt): (Vec<usize>, Vec<usize>) = (0..self.train.len())
            .partition(|view| self.dealt.get(*view).copied().flatten() == Some(self.fold));
        if self.fold == FOLDS {
            self.ended = true;
        } else if out.is_empty() {
            self.fold += 1;
        } else if self.work.is_none() {
            let learnt = self.train.some(&learnt);
            let by = Standardisation::of(&learnt);
            let descent = Descent::new(learnt, &by, self.classes, &self.options, self.seed);
            self.work = Some(Work { by, descent, epochs: 0 });
        } else if let Some(work) = &mut self.work {
            if work.descent.step().is_some() {
                work.epochs += 1;
            }
            if work.descent.trouble().is_some() {
                (self.ended, self.judged) = (true, Vec::new());
            } else if work.epochs >= self.options.epochs {
                self.judge(&out);
            }
        }
    }

    /// What was made of the examples, with the temperature that fits it; nothing where none could be left out.
    pub fn held_out(&self) -> Option<(HeldOut, f32)> {
        if !self.ended || self.judged.is_empty() {
            return None;
        }
        let truth: Vec<usize> = self.judged.iter().map(|view| self.train.class(*view)).collect();
        let temperature = Temperature::fit(&self.scores, &truth, self.classes).value;
        let held_out =
            HeldOut::new(self.judged.clone(), truth, self.scores.clone(), self.classes, temperature);
        Some((held_out, temperature))
    }

    fn judge(&mut self, out: &[usize]) {
        let Some(Work { by, descent, .. }) = self.work.take() else { return };
        let out: Vec<usize> = out.iter().copied().filter(|view| self.train.is_plain(*view)).collect();
        self.scores.extend(descent.head().scores(&self.train.standardised(&out, &by)));
        self.judged.extend(out);
        self.fold += 1;
    }
}
