//! The checks, part by part.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::build::{self, Flavours};
use crate::step::{process, say, watch};
use crate::tally::Tally;
use crate::toolchain::Toolchain;
use crate::wasm::Flavour;
use crate::{chromium, layout, npm, photos, setup, vulkan, weights};

/// A part of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// rustfmt
    Format,
    /// clippy, natively and for every WebAssembly build
    Lint,
    /// Rust tests
    Core,
    /// Rust documentation and its examples
    Docs,
    /// TypeScript's types
    Types,
    /// unit tests of the npm package
    Package,
    /// tests in Chromium
    Browser,
    /// the packed package in bundlers
    Packaging,
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs parts, all of them where none is named, and prints their counts. True when nothing failed.
pub fn run(parts: &[Part], flavours: Flavours) -> bool {
    let parts = if parts.is_empty() { Part::value_variants() } else { parts };
    let mut checks = Checks { flavours, built: false };
    let mut rows = Vec::new();
    for part in parts {
        println!("\n==== {} ====", part.name());
        let tally = checks.run(*part).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Tally::of_check(false)
        });
        rows.push((part.name(), tally));
    }
    println!("\n{:<10} {:>7} {:>7}", "part", "passed", "failed");
    let mut all = Tally::default();
    for (name, tally) in rows {
        println!("{name:<10} {:>7} {:>7}", tally.passed, tally.failed);
        all += tally;
    }
    println!("{all}");
    all.is_good()
}

struct Checks {
    flavours: Flavours,
    built: bool,
}

impl Checks {
    fn run(&mut self, part: Part) -> Result<Tally> {
        match part {
            Part::Format => format(),
            Part::Lint => lint(),
            Part::Core => core(),
            Part::Docs => docs(),
            Part::Types => self.types(),
            Part::Package => {
                self.build()?;
                check(&mut npm::script("rekindle", "test"))
            }
            Part::Browser => self.browser(),
            Part::Packaging => {
                self.build()?;
                check(npm::script("tests", "packaging").env("CHROMIUM", chromium::set_up()?))
            }
        }
    }

    /// Builds what the parts on the JavaScript side stand on, once.
    fn build(&mut self) -> Result<()> {
        if !self.built {
            weights::set_up()?;
            build::everything(self.flavours, true)?;
            self.built = true;
        }
        Ok(())
    }

    fn types(&mut self) -> Result<Tally> {
        self.build()?;
        let mut tally = Tally::default();
        for workspace in ["rekindle", "www", "tests"] {
            tally += check(&mut npm::script(workspace, "types"))?;
        }
        Ok(tally)
    }

    fn browser(&mut self) -> Result<Tally> {
        self.build()?;
        photos::set_up(&photos::folder()?)?;
        check(npm::script("tests", "browser").env("CHROMIUM", chromium::set_up()?))
    }
}

fn format() -> Result<Tally> {
    setup::components(&["rustfmt"])?;
    check(cargo("fmt").args(["--all", "--check"]))
}

fn lint() -> Result<Tally> {
    setup::components(&["clippy"])?;
    let deny = ["--", "--deny", "warnings"];
    say("cargo clippy (native)");
    let mut tally = check(
        cargo("clippy").args(["--workspace", "--all-targets", "--features", "rekindle/gpu"]).args(deny),
    )?;
    let toolchain = Toolchain::set_up()?;
    for flavour in Flavour::ALL {
        say(format_args!("cargo clippy (WebAssembly, {})", flavour.name()));
        tally += check(toolchain.cargo("clippy").args(flavour.cargo_arguments()).args(deny))?;
    }
    Ok(tally)
}

fn core() -> Result<Tally> {
    setup::nextest()?;
    weights::set_up()?;
    photos::set_up(&photos::folder()?)?;
    let mut tally = check(cargo("nextest").args(["run", "--workspace"]))?;
    vulkan::set_up()?;
    tally += check(cargo("nextest").args(["run", "--package", "rekindle", "--features", "gpu", "gpu"]))?;
    Ok(tally)
}

fn docs() -> Result<Tally> {
    let mut tally = check(cargo("test").args(["--doc", "--workspace"]))?;
    tally += check(cargo("doc").args(["--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"))?;
    Ok(tally)
}

fn cargo(verb: &str) -> Command {
    let mut command = process("cargo");
    command.arg(verb).current_dir(layout::root());
    command
}

fn check(command: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    let good = watch(command, |line| tally.read(line))?;
    Ok(tally.ended(good))
}
