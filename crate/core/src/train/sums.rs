//! What the steps of an epoch made of its views.

use crate::evaluate::argmax;

/// Sums over the steps of an epoch.
#[derive(Default)]
pub struct Sums {
    views: usize,
    correct: usize,
    loss: f64,
}

impl Sums {
    /// Adds a step: its mean loss, and the scores of its views.
    ///
    /// # Shapes
    /// `scores`: `[views, classes]`; `truth`: one class a view.
    pub fn add(&mut self, loss: f64, scores: &[f32], truth: &[usize]) {
        let classes = scores.len() / truth.len().max(1);
        let rows = scores.chunks_exact(classes.max(1));
        self.views += truth.len();
        self.loss += loss * truth.len() as f64;
        self.correct += rows.zip(truth).filter(|(row, class)| argmax(row) == **class).count();
    }

    /// Mean loss of the views.
    pub fn loss(&self) -> f64 {
        self.loss / self.views.max(1) as f64
    }

    /// Share of the views that were classified correctly.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.views.max(1) as f64
    }
}
