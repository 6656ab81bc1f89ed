//! The benchmarks: of learning, natively; of speed, in Chromium.

use anyhow::Result;

use crate::build::{self, Flavours};
use crate::step::{process, run};
use crate::{chromium, layout, npm, photos, weights};

/// The benchmarks that need no browser: examples of the core crate.
const LEARNING: &str = "learning";
const BACKBONES: &str = "backbones";

/// Runs the benchmarks, all or one by name with its options.
///
/// # Errors
/// When what they need cannot be set up, or one fails.
pub fn run_all(arguments: Vec<String>) -> Result<()> {
    weights::set_up()?;
    photos::set_up(&photos::folder()?)?;
    let name = arguments.first().map(String::as_str);
    if matches!(name, None | Some(LEARNING)) {
        learning()?;
    }
    if matches!(name, None | Some(BACKBONES)) {
        backbones()?;
    }
    if !matches!(name, Some(LEARNING | BACKBONES)) {
        build::everything(Flavours::All, true)?;
        run(npm::script("tests", "bench").args(arguments).env("CHROMIUM", chromium::set_up()?))?;
    }
    Ok(())
}

fn learning() -> Result<()> {
    let root = layout::root();
    let mut command = process("cargo");
    command.args(["run", "--quiet", "--package", "rekindle", "--example", "bench_learning", "--"]);
    command.arg(photos::folder()?).arg(root.join(photos::LIST));
    command.arg(weights::folder()?.join(weights::SHIPPED[0])).arg(root.join("docs/benchmarks"));
    run(command.current_dir(root))
}

fn backbones() -> Result<()> {
    let root = layout::root();
    let mut command = process("cargo");
    command.args(["run", "--quiet", "--package", "rekindle", "--example", "bench_backbones", "--"]);
    command
        .arg(photos::folder()?)
        .arg(weights::folder()?)
        .arg(root.join("docs/benchmarks"))
        .args(weights::architectures());
    run(command.current_dir(root))
}
