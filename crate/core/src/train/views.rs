//! The views that a run reads: their features and classes.

use crate::dense::{Dense, Rows, to_unit};
use crate::prefix::cache::Features;
use rekindle_kernel::widen_into;
use std::sync::Arc;

/// One view of an example.
#[derive(Debug, Clone)]
pub struct LabelledView {
    /// What the frozen prefix gave.
    pub features: Features,
    /// Index of the class.
    pub class: usize,
    /// What must not be split: views of one group are either learnt from or judged. An example's own number where it is
    /// not grouped with others.
    pub group: u32,
    /// Whether it is the plain evaluation crop.
    pub plain: bool,
}

/// Most numbers that are kept standardised, 64 MiB of them; past it each batch is converted anew.
const MOST_KEPT: usize = 16 << 20;

/// Examples that the common variance counts as much as. Chosen on the photos of `cargo xtask bench learning`, where it helps
/// with five examples a class and does no harm with more.
const PRIOR: f64 = 100.0;

/// Views with features of one length.
#[derive(Debug, Clone, Default)]
pub struct Views {
    length: usize,
    views: Vec<LabelledView>,
    /// All features standardised, or nothing.
    kept: Vec<f32>,
    /// What [`super::weight_variances`] says of the features.
    prior: Option<Arc<[f32]>>,
}

impl Views {
    /// Views whose features are all `length` long.
    pub fn new(length: usize, views: Vec<LabelledView>) -> Self {
        Self { length, views, kept: Vec::new(), prior: None }
    }

    /// The same views of features of which [`super::weight_variances`] says this; anything of another length says nothing.
    pub fn with_prior(self, prior: Option<Arc<[f32]>>) -> Self {
        let length = self.length;
        Self { prior: prior.filter(|variances| variances.len() == length), ..self }
    }

    /// Number of views.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// Length of the features.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The plain ones among them.
    pub fn plain(&self) -> Self {
        let plain = self.views.iter().filter(|view| view.plain).cloned().collect();
        Self::new(self.length, plain).with_prior(self.prior.clone())
    }

    /// Group of each view.
    pub fn groups(&self) -> Vec<u32> {
        self.views.iter().map(|view| view.group).collect()
    }

    /// Class of each view.
    pub fn classes(&self) -> Vec<usize> {
        self.views.iter().map(|view| view.class).collect()
    }

    /// Whether a view is the plain one of its example.
    pub fn is_plain(&self, index: usize) -> bool {
        self.views.get(index).is_some_and(|view| view.plain)
    }

    /// Class of one view.
    pub fn class(&self, index: usize) -> usize {
        self.views.get(index).map_or(0, |view| view.class)
    }

    /// The features of the views that `indices` name, standardised, one after the other.
    ///
    /// # Shapes
    /// `[indices, length]`
    pub fn standardised(&self, indices: &[usize], by: &Standardisation) -> Vec<f32> {
        let mut all = Vec::with_capacity(indices.len() * self.length);
        self.each(indices, by, |_, row| all.extend_from_slice(row));
        all
    }

    /// The features of the views that `indices` name, standardised, for the kernels.
    pub fn standardised_rows(&self, indices: &[usize], by: &Standardisation) -> Rows {
        let mut rows = Rows::zeros(self.length, indices.len());
        self.each(indices, by, |place, row| rows.set(place, row));
        rows
    }

    /// Keeps the standardised features where they are few enough: every epoch reads them again.
    pub fn keep_standardised(&mut self, by: &Standardisation) {
        if self.views.len() * self.length <= MOST_KEPT {
            let all: Vec<usize> = (0..self.views.len()).collect();
            self.kept = self.standardised(&all, by);
        }
    }

    /// Gives the standardised features of each view in turn, with its place among the indices.
    fn each(&self, indices: &[usize], by: &Standardisation, mut give: impl FnMut(usize, &[f32])) {
        let mut row = vec![0.0; self.length];
        for (place, index) in indices.iter().enumerate() {
            if let Some(kept) = self.kept.get(index * self.length..(index + 1) * self.length) {
                give(place, kept);
            } else if let Some(view) = self.views.get(*index) {
                widen_into(&view.features, &mut row);
                by.apply(&mut row);
                give(place, &row);
            }
        }
    }
}

/// Features of mean zero and deviation one train at one rate, whatever the backbone gives.
#[derive(Debug, Clone)]
pub struct Standardisation {
    /// Whether the features of each view are scaled to a vector of length one before: then it matters what an image shows,
    /// and not how much of it.
    pub unit: bool,
    /// Mean of each feature.
    pub mean: Vec<f32>,
    /// Reciprocal of each feature's standard deviation; 1 for one that never changes.
    pub scale: Vec<f32>,
}

impl Standardisation {
    /// The standardisation of these views.
    pub fn of(views: &Views) -> Self {
        let (mean, variances) = moments(views, false);
        Self { unit: false, mean, scale: variances.into_iter().map(reciprocal_deviation).collect() }
    }

    /// Of features that only their length is taken from.
    pub fn unit(length: usize) -> Self {
        Self { unit: true, mean: vec![0.0; length], scale: vec![1.0; length] }
    }

    /// The standardisation of these views at unit length. Where the pretrained classifier is known, a feature counts as much as
    /// it did there, and all have a variance of one on average. Elsewhere each has its own, drawn toward the mean of all as if a
    /// hundred more examples had that: of few examples it would be a guess.
    pub fn shrunk(views: &Views) -> Self {
        let (mean, variances) = moments(views, true);
        let count = variances.len().max(1) as f64;
        if let Some(prior) = &views.prior {
            // L2 on the weight of a multiplied feature is a prior on its own weight, of a spread in proportion: the root of the
            // variance is what the classifier says. Its square was found better on photos: ADR 17.
            let factors = || prior.iter().map(|variance| variance * variance);
            let emphasised =
                variances.iter().zip(factors()).map(|(own, factor)| own * f64::from(factor).powi(2));
            let common = reciprocal_deviation(emphasised.sum::<f64>() / count);
            return Self { unit: true, mean, scale: factors().map(|factor| factor * common).collect() };
        }
        let common = variances.iter().sum::<f64>() / count;
        let examples = views.views.iter().filter(|view| view.plain).count() as f64;
        let shrunk = |own: f64| (examples * own + PRIOR * common) / (examples + PRIOR);
        let scale = variances.into_iter().map(shrunk).map(reciprocal_deviation).collect();
        Self { unit: true, mean, scale }
    }

    /// The layer on standardised features that does what these columns and biases do on features that are not.
    ///
    /// # Shapes
    /// `columns`: `[classes, length]`; `biases`: `[classes]`
    pub fn layer(&self, mut columns: Vec<f32>, mut biases: Vec<f32>) -> Dense {
        for (column, bias) in columns.chunks_exact_mut(self.mean.len().max(1)).zip(&mut biases) {
            for ((weight, mean), scale) in column.iter_mut().zip(&self.mean).zip(&self.scale) {
                *bias += *weight * mean;
                *weight /= scale;
            }
        }
        Dense::of_columns(&columns, self.mean.len()).with_biases(&biases)
    }

    fn apply(&self, row: &mut [f32]) {
        if self.unit {
            to_unit(row);
        }
        for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
            *value = (*value - mean) * scale;
        }
    }
}

/// Mean and variance of each feature, of unit vectors where that is asked for.
fn moments(views: &Views, unit: bool) -> (Vec<f32>, Vec<f64>) {
    let count = views.len().max(1) as f64;
    let mut sums = vec![(0.0f64, 0.0f64); views.length];
    let mut row = vec![0.0; views.length];
    for view in &views.views {
        widen_into(&view.features, &mut row);
        if unit {
            to_unit(&mut row);
        }
        for ((sum, squares), value) in sums.iter_mut().zip(&row) {
            let value = f64::from(*value);
            *sum += value;
            *squares += value * value;
        }
    }
    let moment = |(sum, squares): (f64, f64)| {
        let mean = sum / count;
        (mean as f32, (squares / count - mean * mean).max(0.0))
    };
    sums.into_iter().map(moment).unzip()
}

fn reciprocal_deviation(variance: f64) -> f32 {
    if variance > 1e-10 { variance.sqrt().recip() as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    #[test]
    fn deviations_of_few_examples_are_drawn_together() {
        let view = |i: u32| LabelledView {
            // Long beside what changes, so that the length hardly does.
            features: [i as f32, 10.0 * i as f32, 1000.0].map(f16::from_f32).into(),
            class: 0,
            group: i,
            plain: true,
        };
        let ratio = |by: &Standardisation| by.scale[0] / by.scale[1];
        let few = Views::new(3, (0..4).map(view).collect());
        assert!((ratio(&Standardisation::of(&few)) - 10.0).abs() < 1e-3);
        assert_eq!(Standardisation::of(&few).scale[2], 1.0);
        assert!(ratio(&Standardisation::shrunk(&few)) < 2.0);
        let many = Views::new(3, (0..2000).map(|i| view(i % 4)).collect());
        assert!(ratio(&Standardisation::shrunk(&many)) > 4.0);
    }

    #[test]
    fn features_that_counted_in_pretraining_count_more() {
        let view = |i: u32| LabelledView {
            features: [(i % 2) as f32, (i / 2) as f32, 1.0].map(f16::from_f32).into(),
            class: 0,
            group: i,
            plain: true,
        };
        let views = Views::new(3, (0..4).map(view).collect()).with_prior(Some([0.5, 1.0, 1.5].into()));
        let by = Standardisation::shrunk(&views.plain());
        assert!(
            (by.scale[1] / by.scale[0] - 4.0).abs() < 1e-4 && (by.scale[2] / by.scale[1] - 2.25).abs() < 1e-4
        );
        let rows = views.standardised(&[0, 1, 2, 3], &by);
        let square = rows.iter().map(|value| value * value).sum::<f32>() / rows.len() as f32;
        assert!((square - 1.0).abs() < 1e-4, "{square}");
        let unknown = views.clone().with_prior(Some([1.0, 2.0].into()));
        assert_ne!(Standardisation::shrunk(&unknown).scale, by.scale);
    }

    #[test]
    fn the_length_of_a_view_does_not_matter_where_it_is_scaled_to_one() {
        let view = |length: f32| LabelledView {
            features: [3.0 * length, -4.0 * length].map(f16::from_f32).into(),
            class: 0,
            group: 0,
            plain: true,
        };
        let views = Views::new(2, [0.5, 1.0, 64.0, 0.0].map(view).into());
        let by = Standardisation { unit: true, mean: vec![0.0, 0.2], scale: vec![1.0, 10.0] };
        let found = views.standardised(&[0, 1, 2, 3], &by);
        for (found, expected) in found.iter().zip([0.6, -10.0, 0.6, -10.0, 0.6, -10.0, 0.0, -2.0]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}
