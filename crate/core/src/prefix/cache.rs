//! Features of views that went through the frozen prefix, kept so that no view has to go twice.

use half::f16;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Features of one view. Half precision keeps ten thousand examples at four views in about 100 MB; shared, because a run
/// in work reads them while the cache may go on changing.
pub type Features = Arc<[f16]>;

/// The features of every example's views. View 0 does not depend on the augmentation; the others are forgotten when it
/// changes.
#[derive(Debug, Clone, Default)]
pub struct FeatureCache {
    plain: HashMap<u32, Features>,
    augmented: BTreeMap<(u32, u32), Features>,
    augmentation: String,
}

impl FeatureCache {
    /// Names the augmentation that the views after view 0 are made with; those of another one are forgotten.
    pub fn use_augmentation(&mut self, augmentation: &str) {
        if self.augmentation != augmentation {
            self.augmented.clear();
            augmentation.clone_into(&mut self.augmentation);
        }
    }

    /// The features of a view of an example.
    pub fn get(&self, example: u32, view: u32) -> Option<&Features> {
        if view == 0 { self.plain.get(&example) } else { self.augmented.get(&(example, view)) }
    }

    /// Keeps the features of a view of an example.
    pub fn put(&mut self, example: u32, view: u32, features: &[f32]) {
        let features: Features = features.iter().map(|v| f16::from_f32(*v)).collect();
        if view == 0 {
            self.plain.insert(example, features);
        } else {
            self.augmented.insert((example, view), features);
        }
    }

    /// Forgets an example.
    pub fn remove(&mut self, example: u32) {
        self.plain.remove(&example);
        let views = self.augmented.range((example, 0)..=(example, u32::MAX));
        for view in views.map(|(view, _)| *view).collect::<Vec<_>>() {
            self.augmented.remove(&view);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_augmentation_forgets_all_but_the_plain_view() {
        let mut cache = FeatureCache::default();
        cache.use_augmentation("a");
        cache.put(1, 0, &[1.0]);
        cache.put(1, 1, &[2.0]);
        cache.use_augmentation("a");
        assert_eq!(cache.get(1, 1).map(|f| f[0].to_f32()), Some(2.0));
        cache.use_augmentation("b");
        assert!(cache.get(1, 1).is_none());
        assert_eq!(cache.get(1, 0).map(|f| f[0].to_f32()), Some(1.0));
        cache.remove(1);
        assert!(cache.get(1, 0).is_none());
    }
}
