//! Pipelines, compiled beside whatever else goes on.

#[cfg(target_family = "wasm")]
mod browser;

use wgpu::ComputePipeline;

use crate::device::Gpu;
use crate::error::{Error, Result};

/// The pipelines that `make` asks a device for, always the same.
///
/// # Errors
/// `WEBGPU_UNAVAILABLE` where the device refuses one; `OUT_OF_MEMORY` where it has no memory for them.
pub async fn compile(gpu: &Gpu, make: impl Fn() -> Vec<ComputePipeline>) -> Result<Vec<ComputePipeline>> {
    #[cfg(target_family = "wasm")]
    if let Some(device) = gpu.device.as_webgpu() {
        return browser::compile(gpu, device.clone(), make).await;
    }
    let (pipelines, verdict) = gpu.watched(refused, make);
    verdict.await?;
    Ok(pipelines)
}

/// What a device says that refuses what it is to keep or compile.
pub fn refused(reason: String) -> Error {
    Error::WebgpuUnavailable { reason }
}
