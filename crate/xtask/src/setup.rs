//! What has to be on a machine before anything can be built or tested.

use anyhow::{Context, Result, bail};

use crate::step::{capture, find_program, process, run, say};
use crate::toolchain::Toolchain;
use crate::{chromium, npm};

/// Sets up all that building and testing need.
///
/// # Errors
/// When something is missing and cannot be installed; the message says what to install.
pub fn everything() -> Result<()> {
    Toolchain::set_up()?;
    components(&["rustfmt", "clippy"])?;
    nextest()?;
    npm::set_up()?;
    let chromium = chromium::set_up()?;
    say(format_args!("everything is set up (Chromium: {})", chromium.display()));
    Ok(())
}

/// Adds rustup components whose cargo command is missing.
///
/// # Errors
/// When one cannot be added.
pub fn components(names: &[&str]) -> Result<()> {
    for name in names {
        let command = if *name == "rustfmt" { "fmt" } else { name };
        if capture(process("cargo").args([command, "--version"])).is_ok() {
            continue;
        }
        if find_program("rustup").is_none() {
            bail!("no {name}: install rustup (https://rustup.rs) and run `rustup component add {name}`");
        }
        say(format_args!("rustup component add {name}"));
        run(process("rustup").args(["component", "add", name]))?;
    }
    Ok(())
}

/// Installs cargo-nextest, which takes some minutes, unless it is there.
///
/// # Errors
/// When it cannot be installed.
pub fn nextest() -> Result<()> {
    if find_program("cargo-nextest").is_some() {
        return Ok(());
    }
    say("cargo install cargo-nextest --locked (some minutes)");
    run(process("cargo").args(["install", "cargo-nextest", "--locked"]))
        .context("no cargo-nextest: install it as https://nexte.st says")
}
