//! What a fine-tuning reads: views by number, and their features at the cut.

use crate::error::{Error, Result};
use crate::image::View;
use crate::prefix::cache::Features;
use crate::prefix::maps::MapCache;
use crate::prefix::{CpuPrefix, Map};
use crate::transpose::transposed;
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use rekindle_kernel::widen_into;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Views of one example that have no features yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Number of the example.
    pub example: u32,
    /// The views to be embedded.
    pub views: Vec<View>,
}

/// One view of an example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Number of the example.
    pub example: u32,
    /// The view.
    pub view: View,
    /// Index of its class.
    pub class: usize,
}

/// The features of samples: those that are kept, and those that were computed for the step at hand.
pub struct Store {
    map: Map,
    kept: Arc<Mutex<MapCache>>,
    /// Half precision as what is kept, so that the budget changes no bit of the result.
    fleeting: HashMap<(u32, u32), Features>,
    /// The stages before the cut, where features are of the image: mixed images have to go through them.
    prefix: Option<CpuPrefix>,
}

impl Store {
    /// A store of features of this shape.
    pub fn new(map: Map, kept: Arc<Mutex<MapCache>>) -> Self {
        Self { map, kept, fleeting: HashMap::new(), prefix: None }
    }

    /// The same store of images, whose tensors are what these stages make of them.
    pub fn before(self, prefix: CpuPrefix) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// Numbers of a view's features.
    pub fn length(&self) -> usize {
        self.map.len()
    }

    /// What is missing of these samples, by example.
    pub fn missing(&self, samples: &[Sample]) -> Vec<Pending> {
        let kept = self.kept();
        let lacks = |sample: &&Sample| {
            let key = (sample.example, sample.view.index);
            kept.get(key).is_none() && !self.fleeting.contains_key(&key)
        };
        grouped(samples.iter().filter(lacks))
    }

    /// What is missing of these samples and can be kept, by example.
    pub fn to_keep(&self, samples: &[Sample]) -> Vec<Pending> {
        let kept = self.kept();
        let room = kept.room(self.map.len());
        let missing = samples.iter().filter(|s| kept.get((s.example, s.view.index)).is_none());
        grouped(missing.take(room))
    }

    /// Takes the features of views: for good where there is room, else for the next step.
    ///
    /// # Errors
    /// `INTERNAL` where the count of values is not that of the views.
    pub fn put(&mut self, example: u32, views: &[u32], features: &[f32]) -> Result<()> {
        if features.len() != views.len() * self.map.len() {
            let reason = format!("{} values at the cut for {} views", features.len(), views.len());
            return Err(Error::Internal { reason });
        }
        for (view, values) in views.iter().zip(features.chunks_exact(self.map.len())) {
            let features: Features = values.iter().map(|v| f16::from_f32(*v)).collect();
            let refused = self.kept().put((example, *view), features);
            if let Some(features) = refused {
                self.fleeting.insert((example, *view), features);
            }
        }
        Ok(())
    }

    /// The features of samples, one after the other.
    ///
    /// # Errors
    /// `INTERNAL` where some were not put.
    pub fn rows(&self, samples: &[Sample]) -> Result<Vec<f32>> {
        let kept = self.kept();
        let mut rows = vec![0.0; samples.len() * self.map.len()];
        for (sample, row) in samples.iter().zip(rows.chunks_exact_mut(self.map.len())) {
            let key = (sample.example, sample.view.index);
            let features = kept.get(key).or_else(|| self.fleeting.get(&key));
            let missing = || Error::Internal { reason: format!("view {key:?} has no features at the cut") };
            widen_into(features.ok_or_else(missing)?, row);
        }
        Ok(rows)
    }

    /// Rows as a tensor of features at the cut.
    ///
    /// # Shapes
    /// `[samples, channels, height, width]`
    ///
    /// # Errors
    /// As [`CpuPrefix::run`].
    pub fn tensor(&self, rows: Vec<f32>, device: &Device) -> Result<Tensor<4>> {
        let count = rows.len() / self.map.len().max(1);
        let Map { channels, side } = self.map;
        let (rows, Map { channels, side }) = match &self.prefix {
            Some(prefix) => (prefix.run(&transposed(&rows, channels, side * side))?, prefix.output()),
            None => (rows, self.map),
        };
        Ok(Tensor::from_data(TensorData::new(rows, [count, channels, side, side]), device))
    }

    /// Forgets what was computed for one step.
    pub fn forget_fleeting(&mut self) {
        self.fleeting.clear();
    }

    fn kept(&self) -> MutexGuard<'_, MapCache> {
        // Every change of the cache is whole, whatever happened to who made it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Views of one example together, so that its image is decoded once.
fn grouped<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<Pending> {
    let mut all: Vec<Pending> = Vec::new();
    let mut places = HashMap::new();
    for sample in samples {
        let place = *places.entry(sample.example).or_insert(all.len());
        match all.get_mut(place) {
            Some(pending) if !pending.views.contains(&sample.view) => pending.views.push(sample.view),
            Some(_) => {}
            None => all.push(Pending { example: sample.example, views: vec![sample.view] }),
        }
    }
    all
}
