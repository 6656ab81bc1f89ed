//! The stages of a backbone as a table.

use std::error::Error;
use std::path::Path;

use pollster::block_on;
use rekindle::backbone::{Backbone, Summary, catalogue};
use rekindle::train::tune::{Cut, TuneOptions};
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

/// How many of the first stages are frozen where training begins at `cut`, a stage's number or name; all of them where it is not
/// said, as for a new head.
///
/// # Errors
/// `OPTION_INVALID` where there is no such stage.
pub fn frozen(summary: &Summary, cut: Option<&str>) -> rekindle::Result<usize> {
    let names: Vec<_> = summary.stages.iter().map(|stage| stage.name.clone()).collect();
    let cut = cut.map(|cut| cut.parse().map_or_else(|_| Cut::Name(cut.into()), Cut::Stage));
    TuneOptions { last_stages: 0, cut, ..TuneOptions::default() }.cut_of(&names)
}

/// A line for each stage, of which the first `frozen` are frozen.
pub fn table(summary: &Summary, frozen: usize) -> String {
    let line =
        |cut: &str, stage: &str, output: &str, [parameters, multiply_adds]: [usize; 2], frozen: &str| {
            format!("{cut:>5}  {stage:<20} {output:>16} {parameters:>12} {multiply_adds:>14}  {frozen:<6}")
                .trim_end()
                .to_owned()
                + "\n"
        };
    let mut text = format!(
        "{:>5}  {:<20} {:>16} {:>12} {:>14}  frozen\n",
        "cut", "stage", "output", "parameters", "multiply-adds"
    );
    for (index, stage) in summary.stages.iter().enumerate() {
        let output = format!("{0} x {1} x {1}", stage.channels, stage.side);
        let costs = [stage.parameters, stage.multiply_adds];
        let is_frozen = if index < frozen { "yes" } else { "no" };
        text += &line(&index.to_string(), &stage.name, &output, costs, is_frozen);
    }
    let input = format!("input {0} x {0}", summary.input_size);
    let costs = [summary.parameters, summary.multiply_adds];
    text + &line("", &input, &summary.embedding_length.to_string(), costs, "")
}
