//! Which examples are trained on and which are held out to validate.

use super::{Dataset, Example, Groups};
use crate::rank::sort_by_number;
use crate::seed;
use std::collections::{BTreeMap, BTreeSet};

/// A class with fewer examples than this holds out none: one or two pictures would say little of accuracy and cost much
/// of what there is to learn from.
pub const SMALLEST_CLASS_TO_HOLD_OUT: usize = 10;

/// Numbers of the examples to train on and of those held out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Examples to train on, in the dataset's order.
    pub train: Vec<u32>,
    /// Examples to validate on, in the dataset's order.
    pub validation: Vec<u32>,
}

impl Split {
    /// Holds out `fraction` of every class that has at least [`SMALLEST_CLASS_TO_HOLD_OUT`] examples, in whole groups: as
    /// many as fit. Where not one fits, the smallest group is held out if that leaves half of the class, else none.
    ///
    /// Who is held out is drawn by a hash of the seed and the group's lowest example, so that adding or removing an example
    /// moves as few of the others as possible.
    pub fn stratified(dataset: &Dataset, groups: &Groups, fraction: f32, seed: u32) -> Self {
        let mut members = BTreeMap::<u32, Vec<&Example>>::new();
        for example in dataset.examples() {
            members.entry(groups.group(example.id)).or_default().push(example);
        }
        let mut order: Vec<(u32, Vec<&Example>)> = members.into_iter().collect();
        sort_by_number(&mut order, |(group, _)| seed::mix(seed, *group, seed::SPLIT).into());
        let mut room = Room::new(dataset, fraction);
        let (mut held_out, rest): (Vec<_>, Vec<_>) =
            order.into_iter().map(|(_, members)| members).partition(|members| room.take(members));
        room.widen();
        let mut rest: Vec<_> = rest.into_iter().filter(|members| room.wants(members)).collect();
        sort_by_number(&mut rest, |members| members.len() as f64);
        held_out.extend(rest.into_iter().filter(|members| room.wants(members) && room.take(members)));
        let held_out: BTreeSet<u32> = held_out.into_iter().flatten().map(|example| example.id).collect();
        let (validation, train) =
            dataset.examples().iter().map(|e| e.id).partition(|id| held_out.contains(id));
        Self { train, validation }
    }
}

/// How many examples of each class may be held out yet, and how many are.
struct Room<'a> {
    classes: BTreeMap<&'a str, Place>,
}

struct Place {
    count: usize,
    most: usize,
    taken: usize,
}

impl<'a> Room<'a> {
    fn new(dataset: &'a Dataset, fraction: f32) -> Self {
        let mut classes = BTreeMap::<&str, Place>::new();
        for example in dataset.examples() {
            classes.entry(&example.label).or_insert(Place { count: 0, most: 0, taken: 0 }).count += 1;
        }
        for place in classes.values_mut() {
            if place.count >= SMALLEST_CLASS_TO_HOLD_OUT && fraction > 0.0 {
                place.most = ((place.count as f32 * fraction).round() as usize).max(1);
            }
        }
        Self { classes }
    }

    /// Takes a group where every class that it is of has room for its part.
    fn take(&mut self, members: &[&Example]) -> bool {
        let mut parts = BTreeMap::<&str, usize>::new();
        members.iter().for_each(|example| *parts.entry(&example.label).or_default() += 1);
        let fits = |(label, part): (&&str, &usize)| {
            self.classes.get(*label).is_some_and(|place| place.taken + part <= place.most)
        };
        if !parts.iter().all(fits) {
            return false;
        }
        for (label, part) in parts {
            if let Some(place) = self.classes.get_mut(label) {
                place.taken += part;
            }
        }
        true
    }

    /// Makes room for half of each class of which none could be taken.
    fn widen(&mut self) {
        for place in self.classes.values_mut().filter(|place| place.most > 0 && place.taken == 0) {
            place.most = place.count / 2;
        }
    }

    /// Whether a group is of a class of which none is taken yet and some should be.
    fn wants(&self, members: &[&Example]) -> bool {
        let place = |example: &&Example| self.classes.get(example.label.as_str());
        members.iter().filter_map(place).any(|place| place.most > 0 && place.taken == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(counts: &[(&str, usize)]) -> Dataset {
        let mut data = Dataset::default();
        for (label, count) in counts {
            for _ in 0..*count {
                data.add(label).unwrap();
            }
        }
        data
    }

    fn split(data: &Dataset, fraction: f32, seed: u32) -> Split {
        Split::stratified(data, &Groups::of(data), fraction, seed)
    }

    /// Puts each so many examples, from the first on, into a group of their own.
    fn group(data: &mut Dataset, sizes: &[usize]) {
        let mut ids = 0..;
        for (name, size) in sizes.iter().enumerate() {
            for id in ids.by_ref().take(*size) {
                data.set_group(id, Some(&name.to_string())).unwrap();
            }
        }
    }

    #[test]
    fn groups_stay_whole_and_the_share_is_kept() {
        let mut data = dataset(&[("a", 40), ("b", 40)]);
        group(&mut data, &[8, 1, 1, 1, 1, 4, 4, 20, 5, 5, 5, 5, 5, 5, 5, 5]);
        for seed in 0..20 {
            let split = split(&data, 0.2, seed);
            for id in &split.validation {
                let own = &data.examples()[*id as usize].group;
                assert!(split.train.iter().all(|other| data.examples()[*other as usize].group != *own));
            }
            let held = split.validation.iter().filter(|id| **id < 40).count();
            assert!((1..=8).contains(&held), "{held}");
            assert_eq!(
                split.validation.len() - held,
                5,
                "one group of five; two would be more than the share"
            );
        }
    }

    #[test]
    fn of_large_groups_the_smallest_is_held_out_where_half_is_left() {
        let mut data = dataset(&[("a", 30), ("b", 30), ("c", 30)]);
        group(&mut data, &[18, 12, 30, 14, 16]);
        for seed in 0..5 {
            let validation = split(&data, 0.2, seed).validation;
            let expected: Vec<u32> = (18..30).chain(60..74).collect();
            assert_eq!(validation, expected, "of `b` there is a single burst");
        }
    }

    #[test]
    fn a_group_that_spans_classes_empties_none() {
        let mut data = dataset(&[("a", 10), ("b", 10), ("c", 3)]);
        for id in (0..2).chain(10..20) {
            data.set_group(id, Some("party")).unwrap();
        }
        data.set_group(2, Some("home")).unwrap();
        data.set_group(20, Some("home")).unwrap();
        for seed in 0..20 {
            let split = split(&data, 0.2, seed);
            assert_eq!(split.validation.len(), 2);
            assert!(split.validation.iter().all(|id| (3..10).contains(id)), "{split:?}");
        }
    }

    #[test]
    fn every_class_holds_out_its_share() {
        let data = dataset(&[("a", 40), ("b", 10), ("c", 9)]);
        let split = split(&data, 0.2, 1);
        let held = |label: &str| {
            split.validation.iter().filter(|id| data.examples()[**id as usize].label == label).count()
        };
        assert_eq!((held("a"), held("b"), held("c")), (8, 2, 0));
        assert_eq!(split.train.len() + split.validation.len(), 59);
        assert!(split.train.iter().all(|id| !split.validation.contains(id)));
    }

    #[test]
    fn the_seed_decides_who_is_held_out() {
        let data = dataset(&[("a", 50), ("b", 50)]);
        assert_eq!(split(&data, 0.2, 1), split(&data, 0.2, 1));
        assert_ne!(split(&data, 0.2, 1).validation, split(&data, 0.2, 2).validation);
        assert!(split(&data, 0.0, 1).validation.is_empty());
    }

    #[test]
    fn adding_an_example_moves_at_most_one_other() {
        let mut data = dataset(&[("a", 50)]);
        let before = split(&data, 0.2, 3).validation;
        data.add("a").unwrap();
        let after = split(&data, 0.2, 3).validation;
        assert!(before.iter().filter(|id| !after.contains(id)).count() <= 1);
    }
}
