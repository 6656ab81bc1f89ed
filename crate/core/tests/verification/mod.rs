//! The tables of `docs/verification.md`. Each is written by the test that has its numbers, with `REKINDLE_WRITE=1`, and compared with
//! what is found otherwise.
//!
//! Errors of rounding are other ones on other processors, which add in another order. So a written error is right where it is between a
//! quarter and four times what is found, and all below a millionth are the same.

use std::fs::OpenOptions;
use std::io::{Read, Seek, Write};
use std::path::Path;

const SAME: f32 = 4.0;
const NOISE: f32 = 1e-6;

/// What was compared and its largest errors, in the order of the table's columns.
pub type Row = (String, Vec<f32>);

/// Whether the tables are to be written.
pub fn writing() -> bool {
    std::env::var_os("REKINDLE_WRITE").is_some()
}

/// What a table stands between.
fn marks(section: &str) -> [String; 2] {
    ["begin", "end"].map(|end| format!("<!-- written by crate/core/tests/{section}.rs: {end} -->\n"))
}

fn open() -> std::fs::File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verification.md");
    OpenOptions::new().read(true).write(writing()).open(path).unwrap()
}

fn text(file: &mut std::fs::File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

/// The rows that are written.
pub fn written(section: &str) -> Vec<Row> {
    let text = text(&mut open());
    let [begin, end] = marks(section);
    let table = text.split_once(&begin).unwrap().1.split_once(&end).unwrap().0;
    let row = |line: &str| {
        let mut cells = line.trim_matches(['|', ' ']).split(" | ");
        let name = cells.next().unwrap_or_default().to_owned();
        (name, cells.map(|cell| cell.parse().unwrap()).collect())
    };
    table.lines().skip(2).map(row).collect()
}

/// Compares rows with those that are written under their names.
#[track_caller]
pub fn check(section: &str, rows: &[Row]) {
    let written = written(section);
    for (name, found) in rows {
        let (_, errors) = written.iter().find(|(other, _)| other == name).unwrap_or_else(|| {
            panic!("docs/verification.md has no {name}: run this test with REKINDLE_WRITE=1")
        });
        assert_eq!(errors.len(), found.len(), "{name}");
        for (found, written) in found.iter().zip(errors) {
            let ratio = found.max(NOISE) / written.max(NOISE);
            let same = (1.0 / SAME..=SAME).contains(&ratio);
            assert!(
                same,
                "{name}: {found:e}, and docs/verification.md says {written:e}: run this test with REKINDLE_WRITE=1"
            );
        }
    }
}

/// Writes a table anew. Tests of other tables may do so at the same time.
pub fn write(section: &str, title: &[&str], rows: &[Row]) {
    let mut file = open();
    file.lock().unwrap();
    let text = text(&mut file);
    let [begin, end] = marks(section);
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    let mut table = format!("| {} |\n{}|\n", title.join(" | "), "|---".repeat(title.len()));
    for (name, errors) in rows {
        let errors: Vec<_> = errors.iter().map(|error| format!("{error:.0e}")).collect();
        table += &format!("| {name} | {} |\n", errors.join(" | "));
    }
    file.set_len(0).unwrap();
    file.rewind().unwrap();
    file.write_all(format!("{before}{begin}{table}{end}{after}").as_bytes()).unwrap();
}
