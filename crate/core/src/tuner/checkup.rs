//! What a [`Checkup`] reads of a project.

use super::{Pending, Tuner};
use crate::dataset::Groups;
use crate::error::Result;
use crate::health::{self, Checkup};
use crate::image::View;
use crate::seed;
use crate::train::{CrossValidation, TrainOptions};

impl Tuner {
    /// The plain views that have no features yet: what a [`Tuner::start_checkup`] reads.
    pub fn pending_plain(&self) -> Vec<Pending> {
        let missing = |id: u32| self.cache.get(id, 0).is_none() || self.dataset.traits(id).is_none();
        let plain =
            |id| Pending { example: id, views: vec![View { index: 0, seed: seed::mix(self.seed, id, 0) }] };
        self.dataset.examples().iter().map(|e| e.id).filter(|id| missing(*id)).map(plain).collect()
    }

    /// Keeps the features of the plain view of an example, which no augmentation changes. Those of an example that was
    /// removed meanwhile are dropped.
    ///
    /// # Errors
    /// `INTERNAL` where the count of values is not that of a view.
    pub fn put_plain(&mut self, example: u32, features: &[f32]) -> Result<()> {
        self.check_count(1, features)?;
        if self.dataset.get(example).is_some() {
            self.cache.put(example, 0, features);
        }
        Ok(())
    }

    /// Begins to look for what is wrong with the examples, whatever they are: see [`crate::health`]. `options` are those of
    /// the training that they are for.
    ///
    /// # Errors
    /// `INTERNAL` where plain features are missing.
    pub fn start_checkup(&self, options: &TrainOptions) -> Result<Checkup> {
        let groups = Groups::of(&self.dataset);
        let mut findings = health::of_images(&self.dataset, &groups, self.input_size);
        let split = self.split(&groups, options);
        let plain =
            |ids: &[u32]| ids.iter().map(|id| Ok((*id, self.features(*id, 0)?))).collect::<Result<Vec<_>>>();
        let (train, validation) = (plain(&split.train)?, plain(&split.validation)?);
        findings.extend(health::alike_across_split(self.feature_len, &train, &validation));
        let ids: Vec<u32> = self.dataset.examples().iter().map(|example| example.id).collect();
        let labels = self.dataset.labels().to_vec();
        let work = match self.dataset.check_trainable() {
            Ok(()) => {
                let views = self.views(&ids, 1, &groups)?;
                Some(CrossValidation::doubting(views, labels.len(), options, self.seed))
            }
            Err(_) => None,
        };
        Ok(Checkup::new(findings, labels, ids, work))
    }
}
