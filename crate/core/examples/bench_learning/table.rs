//! The measures as a table, printed and written.

use std::fmt::Write;
use std::path::Path;

use rekindle::train::TrainOptions;
use serde::Serialize;

/// One measure.
#[derive(Serialize)]
pub struct Row {
    measure: String,
    mean: f64,
    /// What the mean must not be worse than.
    bound: f64,
    /// Whether it is a least value, or a most.
    least: bool,
    reference: &'static str,
    note: Option<String>,
    /// What the mean is of.
    values: Vec<f64>,
}

impl Row {
    /// A measure that is better the higher it is.
    pub fn at_least(measure: impl Into<String>, values: &[f64], bound: f64, reference: &'static str) -> Self {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let measure = measure.into();
        Self { measure, mean, bound, least: true, reference, note: None, values: values.to_vec() }
    }

    /// A measure that is better the lower it is.
    pub fn at_most(measure: impl Into<String>, values: &[f64], bound: f64, reference: &'static str) -> Self {
        Self { least: false, ..Self::at_least(measure, values, bound, reference) }
    }

    /// How it is measured.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    fn holds(&self) -> bool {
        if self.least { self.mean >= self.bound } else { self.mean <= self.bound }
    }

    /// The standard error of the mean. The values are not independent: they share photos.
    fn error(&self) -> f64 {
        let count = self.values.len() as f64;
        let squares: f64 = self.values.iter().map(|value| (value - self.mean).powi(2)).sum();
        (squares / (count - 1.0) / count).sqrt()
    }
}

/// All measures.
#[derive(Default, Serialize)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a measure and prints it.
    pub fn add(&mut self, row: Row) {
        println!("{}", line(&row));
        self.rows.push(row);
    }

    /// Writes `learning.md` and `learning.json`.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        let mut text = format!(
            "# What training learns\n\n\
             190 photos of six classes (`cutout`), frozen MobileNetV2, the defaults on {} views of each photo (`docs/adr/0020`). Again: \
             `cargo xtask bench learning`.\n\n\
             | measure | mean | standard error | wanted | | reference, same backbone |\n|---|---|---|---|---|---|\n",
            TrainOptions::default().views
        );
        for row in &self.rows {
            let _ = writeln!(text, "{}", line(row));
        }
        text.push_str(
            "\n- The photos that judge were seen while the method was made: the unit length, the features' scale, the grid of strengths, no label \
             smoothing and the score of mislabelled photos were chosen with them or with draws like these, so the figures may \
             flatter.\n\
             - References on other divisions and draws of the same photos; on these folds scikit-learn's logistic regression \
             (C = 0.1, plain view) has 0.940.\n",
        );
        for (measure, note) in self.rows.iter().filter_map(|row| Some((&row.measure, row.note.as_ref()?))) {
            let _ = writeln!(text, "- {measure}: {note}");
        }
        std::fs::write(folder.join("learning.md"), text)?;
        std::fs::write(folder.join("learning.json"), serde_json::to_string_pretty(self)? + "\n")
    }
}

fn line(row: &Row) -> String {
    let (sign, holds) =
        (if row.least { "at least" } else { "at most" }, if row.holds() { "holds" } else { "MISSED" });
    format!(
        "| {} | {:.4} | {:.4} | {sign} {} | {holds} | {} |",
        row.measure,
        row.mean,
        row.error(),
        row.bound,
        row.reference
    )
}
