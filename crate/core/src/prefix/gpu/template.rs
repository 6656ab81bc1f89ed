//! WGSL with register tiles written out. A tile of `rows` x `columns` sums must be as many variables: an array in its place
//! goes to memory on some drivers.
//!
//! `${name}` stands for a number. A name that has a range instead of a value repeats its line for each value, and several
//! such names repeat it for each combination. `${y*STRIDE+ky}` computes sums of products. Lines from `${each name}` to
//! `${end}` repeat together.

/// A name in a template and its value, or its count where it is a range from zero.
pub type Named<'a> = (&'a str, u32);

/// Writes a template out.
pub fn expand(template: &str, ranges: &[Named<'_>], values: &[Named<'_>]) -> String {
    let lines: Vec<&str> = template.lines().collect();
    let mut text = String::new();
    Expansion { ranges }.lines(&lines, values, &mut text);
    text
}

struct Expansion<'a> {
    ranges: &'a [Named<'a>],
}

impl Expansion<'_> {
    fn lines(&self, lines: &[&str], values: &[Named<'_>], text: &mut String) {
        let mut rest = lines;
        while let Some((line, after)) = rest.split_first() {
            rest = match line.trim().strip_prefix("${each ").and_then(|name| name.strip_suffix('}')) {
                Some(name) => {
                    let (block, after) = after.split_at(block_end(after));
                    self.each(name, block, values, text);
                    after.get(1..).unwrap_or_default()
                }
                None => {
                    self.line(line, values, text);
                    after
                }
            };
        }
    }

    /// Writes a block for each value of a name.
    fn each(&self, name: &str, block: &[&str], values: &[Named<'_>], text: &mut String) {
        for value in 0..value_of(name, self.ranges) {
            self.lines(block, &[values, &[(name, value)]].concat(), text);
        }
    }

    /// Writes a line for each value of the first name that has none yet.
    fn line(&self, line: &str, values: &[Named<'_>], text: &mut String) {
        let open = self.ranges.iter().find(|(name, _)| {
            !values.iter().any(|(known, _)| known == name)
                && formulas(line).any(|(formula, _)| formula.split(['*', '+']).any(|factor| factor == *name))
        });
        if let Some((name, _)) = open {
            return self.each(name, &[line], values, text);
        }
        text.extend(line.split("${").take(1));
        for (formula, plain) in formulas(line) {
            text.push_str(&evaluate(formula, values).to_string());
            text.push_str(plain);
        }
        text.push('\n');
    }
}

/// Where the block ends whose first line was before these.
fn block_end(lines: &[&str]) -> usize {
    let mut open = 1;
    let ends = lines.iter().position(|line| {
        match line.trim() {
            "${end}" => open -= 1,
            line if line.starts_with("${each ") => open += 1,
            _ => {}
        }
        open == 0
    });
    ends.unwrap_or(lines.len())
}

/// The formulas of a line, each with the plain text after it.
fn formulas(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("${").skip(1).filter_map(|piece| piece.split_once('}'))
}

fn evaluate(formula: &str, values: &[Named<'_>]) -> u32 {
    let factor = |factor: &str| factor.parse().unwrap_or_else(|_| value_of(factor, values));
    formula.split('+').map(|product| product.split('*').map(factor).product::<u32>()).sum()
}

fn value_of(name: &str, named: &[Named<'_>]) -> u32 {
    named.iter().rev().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_repeats_for_every_combination_of_its_names() {
        let text = expand("a\nsum${r}_${c} = v${r*STEP+1};", &[("r", 2), ("c", 2)], &[("STEP", 3)]);
        assert_eq!(text, "a\nsum0_0 = v1;\nsum0_1 = v1;\nsum1_0 = v4;\nsum1_1 = v4;\n");
    }

    #[test]
    fn a_block_repeats_together() {
        let text = expand("${each c}\n  {\n  w${c}_${r}\n  }\n${end}\nz", &[("r", 2), ("c", 2)], &[]);
        assert_eq!(text, "  {\n  w0_0\n  w0_1\n  }\n  {\n  w1_0\n  w1_1\n  }\nz\n");
    }

    #[test]
    fn blocks_nest() {
        let text = expand("${each r}\n${each c}\n${r}${c}\n${end}\n-\n${end}", &[("r", 2), ("c", 2)], &[]);
        assert_eq!(text, "00\n01\n-\n10\n11\n-\n");
    }
}
