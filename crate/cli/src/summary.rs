//! The stages of a backbone as a table.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use pollster::block_on;
use rekindle::backbone::{Backbone, Summary, catalogue};
use rekindle::weights::Description;
use rekindle::{Device, Embedder};

/// The summary of an architecture, without weights.
///
/// # Errors
/// Where the architecture is unknown or the input is too small for it.
pub fn of_architecture(name: &str, input_size: Option<u32>) -> Result<Summary, Box<dyn Error>> {
    let entry = catalogue::find(name)?;
    let side = input_size.unwrap_or(entry.input_size) as usize;
    Ok(Backbone::blank(name)?.summary(side)?)
}

/// The summary of a weights file.
///
/// # Errors
/// Where the file cannot be read or used.
pub fn of_file(
    file: &Path,
    arch: Option<String>,
    input_size: Option<u32>,
) -> Result<Summary, Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    let description = Description { arch, ..Description::default() };
    let embedder = block_on(Embedder::open(&bytes, &description, Device::Cpu, input_size))?;
    Ok(embedder.summary()?)
}

/// A line for each stage.
pub fn table(summary: &Summary) -> String {
    let mut text = format!(
        "{:>5}  {:<20} {:>16} {:>12} {:>14}\n",
        "cut", "stage", "output", "parameters", "multiply-adds"
    );
    for (index, stage) in summary.stages.iter().enumerate() {
        let output = format!("{0} x {1} x {1}", stage.channels, stage.side);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{index:>5}  {:<20} {output:>16} {:>12} {:>14}",
            stage.name, stage.parameters, stage.multiply_adds
        );
    }
    let _ = writeln!(
        text,
        "{:>5}  {:<20} {:>16} {:>12} {:>14}",
        "",
        format!("input {0} x {0}", summary.input_size),
        summary.embedding_length,
        summary.parameters,
        summary.multiply_adds
    );
    text
}
