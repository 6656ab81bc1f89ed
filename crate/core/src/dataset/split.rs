//! Which examples are trained on and which are held out to validate.

use super::Dataset;
use crate::seed;

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
    /// Holds out `fraction` of every class that has at least [`SMALLEST_CLASS_TO_HOLD_OUT`] examples.
    ///
    /// Who is held out is drawn by a hash of the seed and the example's number, so that adding or removing an example
    /// moves as few of the others as possible.
    pub fn stratified(dataset: &Dataset, fraction: f32, seed: u32) -> Self {
        let mut held_out = Vec::new();
        for label in dataset.labels() {
            let mut ids: Vec<u32> =
                dataset.examples().iter().filter(|e| e.label == *label).map(|e| e.id).collect();
            if ids.len() < SMALLEST_CLASS_TO_HOLD_OUT || fraction <= 0.0 {
                continue;
            }
            let count = ((ids.len() as f32 * fraction).round() as usize).max(1);
            ids.sort_by_key(|id| seed::mix(seed, *id, seed::SPLIT));
            held_out.extend(ids.into_iter().take(count));
        }
        held_out.sort_unstable();
        let (validation, train) =
            dataset.examples().iter().map(|e| e.id).partition(|id| held_out.binary_search(id).is_ok());
        Self { train, validation }
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

    #[test]
    fn every_class_holds_out_its_share() {
        let data = dataset(&[("a", 40), ("b", 10), ("c", 9)]);
        let split = Split::stratified(&data, 0.2, 1);
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
        let split = |seed| Split::stratified(&data, 0.2, seed);
        assert_eq!(split(1), split(1));
        assert_ne!(split(1).validation, split(2).validation);
        assert!(Split::stratified(&data, 0.0, 1).validation.is_empty());
    }

    #[test]
    fn adding_an_example_moves_at_most_one_other() {
        let mut data = dataset(&[("a", 50)]);
        let before = Split::stratified(&data, 0.2, 3).validation;
        data.add("a").unwrap();
        let after = Split::stratified(&data, 0.2, 3).validation;
        assert!(before.iter().filter(|id| !after.contains(id)).count() <= 1);
    }
}
