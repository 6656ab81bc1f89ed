//! A Chromium for the browser tests.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::apt;
use crate::step::find_program;

const NAMES: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"];

const PATHS: &[&str] = &[
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
];

/// Finds a Chromium or installs Debian's.
///
/// # Errors
/// When there is none and none can be had.
pub fn set_up() -> Result<PathBuf> {
    if let Some(set) = std::env::var_os("CHROMIUM").filter(|set| !set.is_empty()) {
        let set = PathBuf::from(set);
        if !set.is_file() {
            bail!("CHROMIUM is set to {}, which is no file", set.display());
        }
        return Ok(set);
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    if apt::is_here() {
        apt::install(&["chromium".to_owned()])?;
    }
    match find() {
        Some(found) => Ok(found),
        None => bail!("no Chromium: install Chromium or Google Chrome, or set CHROMIUM to the path of one"),
    }
}

fn find() -> Option<PathBuf> {
    let by_name = NAMES.iter().find_map(|name| find_program(name));
    by_name.or_else(|| PATHS.iter().map(PathBuf::from).find(|path: &PathBuf| Path::is_file(path)))
}
