//! Features at a cut, kept within a budget.

use super::cache::Features;
use half::f16;
use std::collections::HashMap;

/// The maps of views, by numbers of example and view, at one cut. View 0 does not depend on the augmentation.
#[derive(Debug, Default)]
pub struct MapCache {
    cut: usize,
    augmentation: String,
    budget: usize,
    bytes: usize,
    maps: HashMap<(u32, u32), Features>,
}

impl MapCache {
    /// Names the cut, the augmentation, the bytes that may be kept and the examples; what is of others, or past it, is forgotten.
    pub fn use_for(&mut self, cut: usize, augmentation: &str, budget: usize, examples: impl Fn(u32) -> bool) {
        self.keep(|(example, _)| examples(example));
        if self.cut != cut || budget < self.bytes {
            self.keep(|_| false);
        }
        if self.augmentation != augmentation {
            self.keep(|(_, view)| view == 0);
            augmentation.clone_into(&mut self.augmentation);
        }
        (self.cut, self.budget) = (cut, budget);
    }

    /// The map of a view.
    pub fn get(&self, key: (u32, u32)) -> Option<&Features> {
        self.maps.get(&key)
    }

    /// How many more maps of this length fit.
    pub fn room(&self, length: usize) -> usize {
        self.budget.saturating_sub(self.bytes) / (length * size_of::<f16>()).max(1)
    }

    /// Keeps a map, or gives it back where it does not fit.
    pub fn put(&mut self, key: (u32, u32), map: Features) -> Option<Features> {
        if self.room(map.len()) == 0 {
            return Some(map);
        }
        self.bytes += size_of_val(&*map);
        if let Some(old) = self.maps.insert(key, map) {
            self.bytes -= size_of_val(&*old);
        }
        None
    }

    fn keep(&mut self, wanted: impl Fn((u32, u32)) -> bool) {
        self.maps.retain(|key, _| wanted(*key));
        self.bytes = self.maps.values().map(|map| size_of_val(&**map)).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_kept_and_other_cuts_are_forgotten() {
        let map = || Features::from([f16::ONE; 10]);
        let mut cache = MapCache::default();
        cache.use_for(3, "a", 45, |_| true);
        assert_eq!(cache.room(10), 2);
        assert!(cache.put((1, 0), map()).is_none() && cache.put((1, 1), map()).is_none());
        assert!(cache.put((2, 0), map()).is_some());
        cache.use_for(3, "b", 45, |_| true);
        assert!(cache.get((1, 0)).is_some() && cache.get((1, 1)).is_none());
        cache.use_for(3, "b", 45, |example| example != 1);
        assert_eq!(cache.room(10), 2);
        assert!(cache.put((1, 0), map()).is_none());
        cache.use_for(4, "b", 45, |_| true);
        assert!(cache.get((1, 0)).is_none());
    }
}
