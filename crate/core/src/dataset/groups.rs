//! Which examples show the same: they are either learnt from or judged, since a model that has learnt from one of them
//! has as good as seen the others.

use super::Dataset;
use crate::image::Traits;
use std::collections::BTreeMap;

/// The group of every example: those that the caller named as one, and those whose images are near-duplicates. What is
/// linked by either, over any number of steps, is one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// Lowest number of an example of the same group.
    of: BTreeMap<u32, u32>,
}

impl Groups {
    /// The groups of a dataset, as far as its images were seen.
    ///
    /// Every pair of images is compared: ten thousand are fifty million comparisons of two words.
    pub fn of(dataset: &Dataset) -> Self {
        let mut groups =
            Self { of: dataset.examples().iter().map(|example| (example.id, example.id)).collect() };
        let mut named = BTreeMap::new();
        for example in dataset.examples() {
            if let Some(name) = &example.group {
                groups.join(*named.entry(name).or_insert(example.id), example.id);
            }
        }
        for (id, twin) in twins(dataset) {
            groups.join(id, twin);
        }
        let roots = groups.of.keys().map(|id| (*id, groups.root(*id))).collect();
        Self { of: roots }
    }

    /// The number of the group of an example; its own where it is in none.
    pub fn group(&self, id: u32) -> u32 {
        self.of.get(&id).copied().unwrap_or(id)
    }

    fn root(&self, id: u32) -> u32 {
        let mut root = id;
        while self.group(root) != root {
            root = self.group(root);
        }
        root
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.of.insert(a.max(b), a.min(b));
    }
}

/// Pairs of examples whose images are equal or near-duplicates, the lower number first.
pub(crate) fn twins(dataset: &Dataset) -> Vec<(u32, u32)> {
    // Looked up once and not for each pair: there are millions of those.
    let seen = dataset.examples().iter().filter_map(|e| Some((e.id, *dataset.traits(e.id)?)));
    let seen: Vec<(u32, Traits)> = seen.collect();
    let mut pairs = Vec::new();
    for (place, (id, traits)) in seen.iter().enumerate() {
        let later = seen.iter().skip(place + 1).filter(|(_, other)| traits.is_near(other));
        pairs.extend(later.map(|(twin, _)| (*id, *twin)));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Pixels;

    /// An image of waves; the next moments differ by little.
    fn image(kind: u32, moment: u32) -> Traits {
        let value = |x: u32, y: u32| {
            let phase =
                (x * (kind + 1)) as f32 * 0.13 + (y * (7 - kind)) as f32 * 0.11 + moment as f32 * 0.01;
            (127.0 + 100.0 * phase.sin()) as u8
        };
        let rgb = (0..64 * 64).flat_map(|at| [value(at % 64, at / 64); 3]).collect();
        Traits::of(&Pixels::from_rgb(64, 64, rgb).unwrap()).unwrap()
    }

    fn dataset(count: usize) -> Dataset {
        let mut data = Dataset::default();
        for _ in 0..count {
            data.add("a").unwrap();
        }
        data
    }

    fn numbers(data: &Dataset) -> Vec<u32> {
        let groups = Groups::of(data);
        data.examples().iter().map(|example| groups.group(example.id)).collect()
    }

    #[test]
    fn names_and_likeness_are_joined_over_any_number_of_steps() {
        let mut data = dataset(7);
        assert_eq!(numbers(&data), [0, 1, 2, 3, 4, 5, 6]);
        for (id, group) in [(4, "walk"), (1, "walk"), (3, " home "), (5, "home")] {
            data.set_group(id, Some(group)).unwrap();
        }
        assert_eq!(numbers(&data), [0, 1, 2, 3, 1, 3, 6]);
        for (id, kind, moment) in [(0, 0, 0), (2, 1, 0), (4, 2, 0), (5, 2, 1)] {
            data.set_traits(id, image(kind, moment));
        }
        assert_eq!(numbers(&data), [0, 1, 2, 1, 1, 1, 6]);
        data.set_group(1, None).unwrap();
        data.remove(4).unwrap();
        assert_eq!(numbers(&data), [0, 1, 2, 3, 3, 6]);
    }

    #[test]
    fn a_group_without_a_name_is_refused() {
        let mut data = dataset(1);
        assert_eq!(data.set_group(0, Some(" ")).unwrap_err().code(), "OPTION_INVALID");
        assert_eq!(data.set_group(1, None).unwrap_err().code(), "OPTION_INVALID");
    }
}
