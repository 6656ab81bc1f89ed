//! Sorting by a number, in one place: a sort is a few kilobytes for every type that it is compiled for.

/// Sorts by a number, the smallest first; items of the same number stay in their order.
pub fn sort_by_number<T>(items: &mut Vec<T>, number: impl Fn(&T) -> f64) {
    let places = places(items.iter().map(number).collect());
    let mut taken: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(places.into_iter().filter_map(|place| taken.get_mut(place)?.take()));
}

/// Where the numbers are, from the smallest on.
fn places(numbers: Vec<f64>) -> Vec<usize> {
    let mut places: Vec<(f64, usize)> = numbers.into_iter().zip(0..).collect();
    places.sort_unstable_by(|(a, first), (b, second)| a.total_cmp(b).then(first.cmp(second)));
    places.into_iter().map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_come_first_and_equals_stay_as_they_were() {
        let mut items =
            vec![("d", 2.0), ("a", -1.0), ("b", 0.5), ("e", 2.0), ("c", 0.5), ("f", f64::INFINITY)];
        sort_by_number(&mut items, |(_, number)| *number);
        assert_eq!(items.iter().map(|(name, _)| *name).collect::<String>(), "abcdef");
        let mut none: Vec<u8> = Vec::new();
        sort_by_number(&mut none, |value| f64::from(*value));
        assert!(none.is_empty());
    }
}
