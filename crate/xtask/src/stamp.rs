//! Stamps: a hash of all that an output was made from, kept beside it, so that unchanged work is not done again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Collects what an output depends on.
#[derive(Default)]
pub struct Stamp(Sha256);

impl Stamp {
    /// Adds a value: a version, a flag.
    pub fn value(mut self, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.0.update((value.len() as u64).to_le_bytes());
        self.0.update(value);
        self
    }

    /// Adds the content of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(self, path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(self.value(bytes))
    }

    /// Adds the files in a folder and below, in the order of their names.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn folder(self, path: &Path) -> Result<Self> {
        let mut entries = std::fs::read_dir(path)
            .and_then(|entries| {
                entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()
            })
            .with_context(|| format!("cannot read {}", path.display()))?;
        entries.sort();
        entries.iter().try_fold(
            self,
            |stamp, entry| {
                if entry.is_dir() { stamp.folder(entry) } else { stamp.file(entry) }
            },
        )
    }

    /// The stamp as text.
    pub fn text(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

/// The sha256 of a file, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(format!("{:x}", Sha256::digest(bytes)))
}

/// Whether the stamp kept in a file is this one.
pub fn is_current(file: &Path, stamp: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|kept| kept == stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_content_and_order() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = || Stamp::default().folder(folder.path()).unwrap().text();
        std::fs::write(folder.path().join("a"), "1").unwrap();
        std::fs::write(folder.path().join("b"), "2").unwrap();
        let first = stamp();
        assert_eq!(first, stamp());
        std::fs::write(folder.path().join("a"), "12").unwrap();
        std::fs::write(folder.path().join("b"), "").unwrap();
        assert_ne!(first, stamp());
    }

    #[test]
    fn a_missing_stamp_is_not_current() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stamp");
        assert!(!is_current(&file, "x"));
        std::fs::write(&file, "x").unwrap();
        assert!(is_current(&file, "x") && !is_current(&file, "y"));
    }
}
