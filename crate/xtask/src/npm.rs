//! The npm side of the workspace.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::layout;
use crate::stamp::{self, Stamp};
use crate::step::{capture, find_program, process, run, say};

/// The Node.js that the tools in the workspace ask for: major and minor version.
const NODE: (u32, u32) = (20, 19);

/// Installs the dependencies that package-lock.json names, unless they are there.
///
/// # Errors
/// When Node.js is missing or too old, or `npm ci` fails.
pub fn set_up() -> Result<()> {
    if find_program("node").is_none() || find_program("npm").is_none() {
        bail!("no Node.js: install Node.js {}.{} or newer with npm (https://nodejs.org)", NODE.0, NODE.1);
    }
    let version = capture(process("node").arg("--version"))?;
    if parse_version(&version).is_none_or(|version| version < NODE) {
        bail!("Node.js {version} is too old: install {}.{} or newer (https://nodejs.org)", NODE.0, NODE.1);
    }
    let root = layout::root();
    let kept = root.join("node_modules/.package-lock.sha256");
    let lock = Stamp::default().file(&root.join("package-lock.json"))?.text();
    if stamp::is_current(&kept, &lock) {
        return Ok(());
    }
    say("npm ci");
    run(process("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&root))?;
    std::fs::write(&kept, lock).with_context(|| format!("cannot write {}", kept.display()))
}

/// `npm run <script> -w <workspace> --`; arguments that are added go to the script.
pub fn script(workspace: &str, script: &str) -> Command {
    let mut command = process("npm");
    command.args(["run", "--silent", script, "--workspace", workspace, "--"]).current_dir(layout::root());
    command
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("v20.19.2"), Some((20, 19)));
        assert_eq!(parse_version("v8"), None);
        assert_eq!(parse_version("twenty"), None);
    }
}
