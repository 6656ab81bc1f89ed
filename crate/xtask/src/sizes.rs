//! Sizes of a WebAssembly build as they travel: raw, gzip, brotli.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::wasm::Flavour;

/// Sizes in bytes of a module together with its JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Sizes {
    /// Compresses both files at the highest level.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn measure(module: &Path, script: &Path) -> Result<Self> {
        let mut sizes = Self { raw: 0, gzip: 0, brotli: 0 };
        for path in [module, script] {
            let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            sizes.raw += bytes.len();
            sizes.gzip += gzip(&bytes)?;
            sizes.brotli += brotli(&bytes)?;
        }
        Ok(sizes)
    }

    /// Whether a build stays within its budget: what is added by oversight ends in every visitor's download.
    ///
    /// # Errors
    /// When it is larger, after brotli, than `most` bytes.
    pub fn check(self, name: &str, most: usize) -> Result<()> {
        anyhow::ensure!(
            self.brotli <= most,
            "the {name} build is {} after brotli, over its budget of {}: find what grew, or argue for more",
            shown(self.brotli),
            shown(most),
        );
        Ok(())
    }

    /// Keeps the sizes in a file: compressing takes longer than all else of an unchanged build.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(self, path: &Path) -> Result<()> {
        let text = format!("{} {} {}", self.raw, self.gzip, self.brotli);
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads what [`Self::write`] kept.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let numbers: Vec<usize> = text.split(' ').map_while(|number| number.parse().ok()).collect();
        match numbers[..] {
            [raw, gzip, brotli] => Ok(Self { raw, gzip, brotli }),
            _ => anyhow::bail!("{} is damaged: remove it", path.display()),
        }
    }
}

/// Prints one row for each build.
pub fn print_table(rows: &[(Flavour, Sizes)]) {
    println!("{:<8} {:>10} {:>10} {:>10}", "wasm+js", "raw", "gzip", "brotli");
    for (flavour, sizes) in rows {
        let name = flavour.name();
        println!("{name:<8} {:>10} {:>10} {:>10}", shown(sizes.raw), shown(sizes.gzip), shown(sizes.brotli));
    }
}

/// Bytes in decimal units.
fn shown(bytes: usize) -> String {
    if bytes < 1_000_000 {
        format!("{:.0} kB", bytes as f64 / 1e3)
    } else {
        format!("{:.2} MB", bytes as f64 / 1e6)
    }
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &parameters)?;
    Ok(compressed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_sizes_are_smaller_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (module, script) = (folder.path().join("a.wasm"), folder.path().join("a.js"));
        fs::write(&module, "features ".repeat(1000)).unwrap();
        fs::write(&script, "head ".repeat(100)).unwrap();
        let sizes = Sizes::measure(&module, &script).unwrap();
        assert_eq!(sizes.raw, 9500);
        assert!(sizes.brotli < sizes.gzip && sizes.gzip < 200, "{sizes:?}");
        let kept = folder.path().join("sizes.txt");
        sizes.write(&kept).unwrap();
        assert_eq!(Sizes::read(&kept).unwrap(), sizes);
        assert!(sizes.check("cpu", sizes.brotli).is_ok());
        assert!(sizes.check("cpu", sizes.brotli - 1).unwrap_err().to_string().contains("the cpu build"));
        fs::write(&kept, "12 x").unwrap();
        assert!(Sizes::read(&kept).is_err());
    }

    #[test]
    fn units_are_decimal() {
        assert_eq!((shown(410_400), shown(2_345_000)), ("410 kB".to_owned(), "2.35 MB".to_owned()));
    }
}
