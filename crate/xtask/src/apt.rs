//! Debian's packages, where there is `apt-get`.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, bail};

use crate::step::{capture, find_program, process, run, say};

/// Whether packages can be installed here: `apt-get`, as root or with sudo.
pub fn is_here() -> bool {
    find_program("apt-get").is_some() && (is_root() || find_program("sudo").is_some())
}

/// Installs packages.
///
/// # Errors
/// When apt-get fails.
pub fn install(packages: &[String]) -> Result<()> {
    update()?;
    say(format_args!("apt-get install {}", packages.join(" ")));
    run(apt_get().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages))
}

/// Brings the lists of packages up to date, once in this process.
///
/// # Errors
/// When apt-get fails.
pub fn update() -> Result<()> {
    static UPDATED: OnceLock<bool> = OnceLock::new();
    let updated = UPDATED.get_or_init(|| {
        say("apt-get update");
        run(apt_get().args(["update", "--quiet"])).is_ok()
    });
    if !updated {
        bail!("`apt-get update` failed");
    }
    Ok(())
}

fn is_root() -> bool {
    capture(process("id").arg("-u")).is_ok_and(|user| user == "0")
}

fn apt_get() -> Command {
    let mut command = if is_root() {
        process("apt-get")
    } else {
        let mut command = process("sudo");
        command.arg("apt-get");
        command
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
