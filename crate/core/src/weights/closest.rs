//! Names that a missing one may have been meant as.

/// How many are shown.
const SHOWN: usize = 3;

/// How many names are looked at: no backbone has so many tensors, but a hostile file may, and each takes a while.
const RANKED: usize = 10_000;

/// The names that need the fewest changes of single letters to become `name`.
pub fn closest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut ranked: Vec<_> =
        names.take(RANKED).map(|other| (distance(name, other), other.as_str())).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

/// Insertions, deletions and replacements from one text to the other (Levenshtein, 1966), row by row of the table. Only the
/// first letters of very long names count: a hostile file may have any.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.bytes().take(100).collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, letter) in a.iter().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(&b) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_names_only_the_first_are_looked_at() {
        let mut names = vec![String::from("far away"); 3 * RANKED];
        names[7] = "naem".into();
        names[2 * RANKED] = "name".into();
        let mut seen = 0;
        let found = closest("name", names.iter().inspect(|_| seen += 1));
        assert_eq!((found[0], found.len(), seen), ("naem", SHOWN, RANKED));
    }

    #[test]
    fn distances_count_changed_letters() {
        for (a, b, expected) in [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }
}
