//! Cross-validation: which examples are judged together by what was learnt from all the others.

use crate::rank::sort_by_number;
use crate::seed;
use std::collections::{BTreeMap, BTreeSet};

/// Deals examples into `count` folds, so that every class is spread evenly over them and no group is split.
///
/// The groups of a class are dealt from the largest to the smallest, in an order drawn by the seed among equals, each to
/// the fold that has the fewest examples of the class. A group that has all examples of a class is in no fold: there would
/// be nothing left to learn the class from.
///
/// # Shapes
/// `classes`, `groups`: one number an example; result: its fold, below `count`, or nothing where it is never judged.
pub fn folds(classes: &[usize], groups: &[u32], count: usize, seed: u32) -> Vec<Option<usize>> {
    // A group that spans classes goes where its first example's class sends it.
    let mut class_of = BTreeMap::new();
    let mut sizes = BTreeMap::<usize, BTreeMap<u32, usize>>::new();
    for (class, group) in classes.iter().zip(groups) {
        let class = *class_of.entry(*group).or_insert(*class);
        *sizes.entry(class).or_default().entry(*group).or_default() += 1;
    }
    let whole = whole_classes(classes, groups);
    let mut totals = vec![0; count];
    let mut fold_of = BTreeMap::new();
    for sizes in sizes.into_values() {
        let mut order: Vec<(u32, usize)> =
            sizes.into_iter().filter(|(group, _)| !whole.contains(group)).collect();
        // The largest first; those of a size in an order of the seed's.
        sort_by_number(&mut order, |(group, size)| {
            f64::from(seed::mix(seed, *group, seed::FOLDS)) - *size as f64 * 2f64.powi(32)
        });
        let mut own = vec![0; count];
        for (group, size) in order {
            let places = own.iter().zip(&totals).enumerate();
            let Some((fold, _)) = places.min_by_key(|(_, loads)| *loads) else { continue };
            own.iter_mut()
                .skip(fold)
                .take(1)
                .chain(totals.iter_mut().skip(fold).take(1))
                .for_each(|n| *n += size);
            fold_of.insert(group, fold);
        }
    }
    groups.iter().map(|group| fold_of.get(group).copied()).collect()
}

/// Groups that have all examples of a class.
fn whole_classes(classes: &[usize], groups: &[u32]) -> BTreeSet<u32> {
    let mut of = BTreeMap::<usize, BTreeSet<u32>>::new();
    for (class, group) in classes.iter().zip(groups) {
        of.entry(*class).or_default().insert(*group);
    }
    of.into_values().filter(|groups| groups.len() == 1).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each class with the sizes of its groups.
    fn examples(classes: &[&[usize]]) -> (Vec<usize>, Vec<u32>) {
        let groups = classes
            .iter()
            .enumerate()
            .flat_map(|(class, sizes)| sizes.iter().map(move |size| (class, *size)));
        groups.enumerate().flat_map(|(group, (class, size))| vec![(class, group as u32); size]).unzip()
    }

    #[test]
    fn groups_stay_whole_and_classes_are_spread() {
        let (classes, groups) = examples(&[&[10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &[1; 10], &[2; 5]]);
        let folds = folds(&classes, &groups, 5, 3);
        for ((fold, other), (group, next)) in
            folds.iter().zip(&folds[1..]).zip(groups.iter().zip(&groups[1..]))
        {
            assert!(group != next || fold == other);
        }
        let count = |class, fold| {
            let pairs = classes.iter().zip(&folds);
            pairs.filter(|(c, f)| **c == class && **f == Some(fold)).count()
        };
        let mut counts: Vec<usize> = (0..5).map(|fold| count(0, fold)).collect();
        counts.sort_unstable();
        assert_eq!(counts, [2, 2, 3, 3, 10]);
        assert_eq!((0..5).map(|fold| (count(1, fold), count(2, fold))).collect::<Vec<_>>(), [(2, 2); 5]);
    }

    #[test]
    fn a_class_of_one_group_is_always_learnt_from() {
        let (classes, groups) = examples(&[&[1, 1], &[3]]);
        let folds = folds(&classes, &groups, 5, 1);
        assert!(folds[0].is_some() && folds[1].is_some() && folds[0] != folds[1]);
        assert_eq!(folds[2..], [None; 3]);
    }

    #[test]
    fn a_group_with_a_whole_other_class_is_always_learnt_from() {
        let (classes, groups) = ([0, 0, 0, 1, 1], [1, 1, 2, 1, 1]);
        let folds = folds(&classes, &groups, 5, 1);
        assert_eq!(folds.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true, false, false]);
    }

    #[test]
    fn the_seed_decides() {
        let (classes, groups) = examples(&[&[1; 20], &[1; 20]]);
        assert_eq!(folds(&classes, &groups, 5, 1), folds(&classes, &groups, 5, 1));
        assert_ne!(folds(&classes, &groups, 5, 1), folds(&classes, &groups, 5, 2));
    }
}
