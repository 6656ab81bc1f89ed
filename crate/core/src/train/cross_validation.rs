//! A linear head judged on examples that it was not trained on, each once.

use super::samples::Samples;
use super::strength::Selection;
use super::{HeldOut, Standardisation, TrainOptions, Views};

/// Strength for examples whose labels are in doubt: a head held back so strongly learns no single example by heart.
const DOUBTING: [f64; 1] = [0.001];
/// Strength of a learning curve: one for all sizes, so that nothing but the size differs.
const CURVE: [f64; 1] = [0.1];

/// A cross-validation in work, pulled step by step.
pub struct CrossValidation {
    selection: Selection,
    options: TrainOptions,
    seed: u32,
}

impl CrossValidation {
    /// Of plain views of `classes` classes, some of which may be wrong; the seed deals them into folds.
    pub fn doubting(plain: Views, classes: usize, options: &TrainOptions, seed: u32) -> Self {
        let by = Standardisation::shrunk(&plain);
        let selection =
            Selection::new(Samples::condensed(plain, by), classes, options, seed).among(&DOUBTING);
        Self { selection, options: options.clone(), seed }
    }

    /// Of the same views, learning from a share of the groups of each class.
    pub fn of_share(self, share: f64) -> Self {
        let Self { selection, options, seed } = self;
        let classes = selection.classes();
        let selection =
            Selection::thinned(selection.into_samples(), classes, &options, seed, share).among(&CURVE);
        Self { selection, options, seed }
    }

    /// Class of each view.
    pub fn truth(&self) -> Vec<usize> {
        self.selection.truth().to_vec()
    }

    /// Takes one step; true once all views are judged.
    pub fn step(&mut self) -> bool {
        self.selection.step().is_some()
    }

    /// What was made of the views.
    pub fn held_out(&self) -> HeldOut {
        self.selection.held_out()
    }

    /// Views that a fold learns from, on average.
    pub fn learnt(&self) -> usize {
        self.selection.learnt()
    }
}
