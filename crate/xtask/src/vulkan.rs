//! A Vulkan driver for the native tests of WebGPU.

use std::path::Path;

use anyhow::Result;

use crate::apt;

/// Installs Debian's drivers, an emulated GPU among them, where there are none. Elsewhere the tests run on what there is.
///
/// # Errors
/// When apt-get fails.
pub fn set_up() -> Result<()> {
    if Path::new("/usr/share/vulkan/icd.d").is_dir() || !apt::is_here() {
        return Ok(());
    }
    apt::install(&["mesa-vulkan-drivers".to_owned()])
}
