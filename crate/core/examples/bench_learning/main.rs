//! What training learns from real photos, beside a reference on the same features; `cargo xtask bench learning` runs it.
//!
//! `bench_learning PHOTOS LIST WEIGHTS OUT`: photos as `cargo xtask photos` lays them out, their list, converted weights,
//! and a folder for `learning.md` and `learning.json`.

mod measure;
mod perturb;
mod photos;
mod table;
mod views;

use std::error::Error;
use std::path::Path;

use pollster::block_on;
use rekindle::{Device, Embedder};

use photos::Photos;
use table::Table;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photos, list, weights, out] = &arguments[..] else {
        return Err("usage: bench_learning PHOTOS LIST WEIGHTS OUT".into());
    };
    let embedder = block_on(Embedder::new(&std::fs::read(weights)?, Device::Cpu, None))?;
    let photos = Photos::read(Path::new(photos), Path::new(list), embedder)?;
    let mut table = Table::default();
    for measure in [
        measure::folds,
        measure::defaults,
        measure::few,
        measure::few_means,
        measure::few_neighbours,
        measure::few_auto,
        measure::few_defaults,
        measure::calibration,
        measure::unknown,
        measure::mislabelled,
        measure::partial,
    ] {
        table.add(measure(&photos)?);
    }
    for row in views::gains(&photos)? {
        table.add(row);
    }
    table.write(Path::new(out))?;
    Ok(())
}
