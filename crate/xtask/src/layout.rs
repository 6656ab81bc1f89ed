//! Where things lie: the checkout, build outputs, the cache.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the checkout. Cargo says at run time where this crate lies: a build folder may serve several checkouts, so
/// what it said at compile time may be another one.
pub fn root() -> PathBuf {
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = crate_folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.ancestors().nth(2).unwrap_or(&here).to_owned()
}

/// Cargo's folder for native builds: CARGO_TARGET_DIR, else `target` in the checkout.
pub fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    root().join(set.map_or_else(|| PathBuf::from("target"), PathBuf::from))
}

/// Cargo's folder for WebAssembly builds. It is apart because the compiler may be another one.
pub fn wasm_target() -> PathBuf {
    target().join("wasm")
}

/// What is fetched and outlives a checkout: REKINDLE_CACHE, else `rekindle` in XDG_CACHE_HOME, else in `~/.cache`.
///
/// # Errors
/// When there is no home folder.
pub fn cache() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|set| !set.is_empty()).map(PathBuf::from);
    folder("REKINDLE_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|caches| caches.join("rekindle")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache").join("rekindle")))
        .context("no home folder: set REKINDLE_CACHE to a folder for downloads")
}

/// Copies a file, making the folder that it goes to.
///
/// # Errors
/// When either cannot be done.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
