//! Counts of tests, read from the summaries that test runners print.

/// How many tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Tests that did what they say.
    pub passed: usize,
    /// Tests that did not, or never ended.
    pub failed: usize,
}

impl Tally {
    /// A check without a runner counts as one test.
    pub fn of_check(good: bool) -> Self {
        Self { passed: usize::from(good), failed: usize::from(!good) }
    }

    /// Adds what a line says, where it is a line of a summary: nextest's, libtest's or that of Node's runner.
    pub fn read(&mut self, line: &str) {
        let line = line.trim_start();
        if let Some((_, counts)) = line.strip_prefix("Summary ").and_then(|rest| rest.split_once(" run: ")) {
            self.add(counts, ',');
        } else if let Some((_, counts)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        {
            self.add(counts, ';');
        } else if let Some(count) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
            match count.split_once(' ').map(|(word, number)| (word, number.parse::<usize>())) {
                Some(("pass", Ok(number))) => self.passed += number,
                Some(("fail" | "cancelled", Ok(number))) => self.failed += number,
                _ => {}
            }
        }
    }

    /// Adds counts such as `3 passed, 1 failed, 0 skipped`.
    fn add(&mut self, counts: &str, separator: char) {
        for count in counts.split(separator) {
            let mut words = count.split_whitespace();
            let (number, word) = (words.next().and_then(|number| number.parse::<usize>().ok()), words.next());
            match (number, word) {
                (Some(number), Some("passed")) => self.passed += number,
                (Some(number), Some("failed" | "timed")) => self.failed += number,
                _ => {}
            }
        }
    }

    /// Takes the end of a process into account: a failure that no count shows is a failed test, and a success without
    /// counts is a check that passed.
    pub fn ended(self, good: bool) -> Self {
        match (good, self.failed, self.passed) {
            (true, 0, 0) => Self::of_check(true),
            (false, 0, passed) => Self { passed, failed: 1 },
            _ => self,
        }
    }

    /// Whether nothing failed.
    pub fn is_good(self) -> bool {
        self.failed == 0
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Tally {
        let mut tally = Tally::default();
        lines.lines().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn nextest() {
        let lines = "────────────\n     Summary [   0.012s] 14 tests run: 12 passed (1 slow), 1 failed, 1 timed out, 3 skipped";
        assert_eq!(read(lines), Tally { passed: 12, failed: 2 });
    }

    #[test]
    fn libtest() {
        let good =
            "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        let bad = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(read(&format!("{good}\n{bad}")), Tally { passed: 8, failed: 2 });
    }

    #[test]
    fn node() {
        assert_eq!(read("# tests 6\n# pass 4\n# fail 1\n# cancelled 1"), Tally { passed: 4, failed: 2 });
        assert_eq!(read("ℹ tests 2\nℹ pass 2\nℹ fail 0"), Tally { passed: 2, failed: 0 });
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            read("12 passed\nSummary of the day\n# a heading\ntest result: unknown"),
            Tally::default()
        );
    }

    #[test]
    fn the_end_of_the_process_counts() {
        assert_eq!(Tally::default().ended(true), Tally { passed: 1, failed: 0 });
        assert_eq!(Tally { passed: 5, failed: 0 }.ended(false), Tally { passed: 5, failed: 1 });
        assert_eq!(Tally { passed: 5, failed: 2 }.ended(false), Tally { passed: 5, failed: 2 });
    }
}
