//! The views that a run reads: their features and classes.

use crate::prefix::cache::Features;
use burn::tensor::{Device, Tensor, TensorData};
use half::slice::HalfFloatSliceExt;

/// One view of an example.
#[derive(Debug, Clone)]
pub struct LabelledView {
    /// What the frozen prefix gave.
    pub features: Features,
    /// Index of the class.
    pub class: usize,
}

/// Most numbers that are kept standardised, 64 MiB of them; past it each batch is converted anew.
const MOST_KEPT: usize = 16 << 20;

/// Views with features of one length.
#[derive(Debug, Clone, Default)]
pub struct Views {
    length: usize,
    views: Vec<LabelledView>,
    /// All features standardised, or nothing.
    kept: Vec<f32>,
}

impl Views {
    /// Views whose features are all `length` long.
    pub fn new(length: usize, views: Vec<LabelledView>) -> Self {
        Self { length, views, kept: Vec::new() }
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

    /// Class of each view.
    pub fn classes(&self) -> Vec<usize> {
        self.views.iter().map(|view| view.class).collect()
    }

    /// Class of one view.
    pub fn class(&self, index: usize) -> usize {
        self.views.get(index).map_or(0, |view| view.class)
    }

    /// The features of the views that `indices` name, as they are.
    ///
    /// # Shapes
    /// `[indices, length]`
    pub fn batch(&self, indices: &[usize], device: &Device) -> Tensor<2> {
        self.tensor(self.rows(indices, |_| ()), indices.len(), device)
    }

    /// The features of the views that `indices` name, standardised.
    ///
    /// # Shapes
    /// `[indices, length]`
    pub fn standardised(&self, indices: &[usize], by: &Standardisation, device: &Device) -> Tensor<2> {
        let kept = |index: &usize| self.kept.get(index * self.length..(index + 1) * self.length);
        let rows = match self.kept.is_empty() {
            true => self.rows(indices, |row| by.apply(row)),
            false => indices.iter().filter_map(kept).flatten().copied().collect(),
        };
        self.tensor(rows, indices.len(), device)
    }

    /// Keeps the standardised features where they are few enough: every epoch reads them again.
    pub fn keep_standardised(&mut self, by: &Standardisation) {
        if self.views.len() * self.length <= MOST_KEPT {
            let all: Vec<usize> = (0..self.views.len()).collect();
            self.kept = self.rows(&all, |row| by.apply(row));
        }
    }

    fn rows(&self, indices: &[usize], change: impl Fn(&mut [f32])) -> Vec<f32> {
        let mut rows = vec![0.0; indices.len() * self.length];
        for (row, index) in rows.chunks_exact_mut(self.length.max(1)).zip(indices) {
            if let Some(view) = self.views.get(*index) {
                view.features.convert_to_f32_slice(row);
                change(row);
            }
        }
        rows
    }

    fn tensor(&self, rows: Vec<f32>, count: usize, device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(rows, [count, self.length]), device)
    }
}

/// Features of mean zero and deviation one train at one rate, whatever the backbone gives.
#[derive(Debug, Clone)]
pub struct Standardisation {
    /// Mean of each feature.
    pub mean: Vec<f32>,
    /// Reciprocal of each feature's standard deviation; 1 for one that never changes.
    pub scale: Vec<f32>,
}

impl Standardisation {
    /// The standardisation of these views.
    pub fn of(views: &Views) -> Self {
        let count = views.len().max(1) as f64;
        let mut sums = vec![(0.0f64, 0.0f64); views.length];
        for view in &views.views {
            for ((sum, squares), value) in sums.iter_mut().zip(view.features.iter()) {
                let value = f64::from(value.to_f32());
                *sum += value;
                *squares += value * value;
            }
        }
        let (mean, scale) = sums
            .into_iter()
            .map(|(sum, squares)| {
                let mean = sum / count;
                let variance = (squares / count - mean * mean).max(0.0);
                (mean as f32, if variance > 1e-10 { variance.sqrt().recip() as f32 } else { 1.0 })
            })
            .unzip();
        Self { mean, scale }
    }

    fn apply(&self, row: &mut [f32]) {
        for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
            *value = (*value - mean) * scale;
        }
    }
}
