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

/// Views with features of one length.
#[derive(Debug, Clone, Default)]
pub struct Views {
    length: usize,
    views: Vec<LabelledView>,
}

impl Views {
    /// Views whose features are all `length` long.
    pub fn new(length: usize, views: Vec<LabelledView>) -> Self {
        Self { length, views }
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

    /// The features of the views that `indices` name.
    ///
    /// # Shapes
    /// `[indices, length]`
    pub fn batch(&self, indices: &[usize], device: &Device) -> Tensor<2> {
        let mut rows = vec![0.0; indices.len() * self.length];
        for (row, index) in rows.chunks_exact_mut(self.length.max(1)).zip(indices) {
            if let Some(view) = self.views.get(*index) {
                view.features.convert_to_f32_slice(row);
            }
        }
        Tensor::from_data(TensorData::new(rows, [indices.len(), self.length]), device)
    }

    /// Mean and reciprocal standard deviation of each feature; a feature that never changes is left as it is.
    pub fn standardisation(&self) -> (Vec<f32>, Vec<f32>) {
        let count = self.views.len().max(1) as f64;
        let mut sums = vec![(0.0f64, 0.0f64); self.length];
        for view in &self.views {
            for ((sum, squares), value) in sums.iter_mut().zip(view.features.iter()) {
                let value = f64::from(value.to_f32());
                *sum += value;
                *squares += value * value;
            }
        }
        sums.into_iter()
            .map(|(sum, squares)| {
                let mean = sum / count;
                let variance = (squares / count - mean * mean).max(0.0);
                (mean as f32, if variance > 1e-10 { variance.sqrt().recip() as f32 } else { 1.0 })
            })
            .unzip()
    }
}
