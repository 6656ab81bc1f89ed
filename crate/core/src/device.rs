//! Where the frozen prefix runs.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The device that a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// This processor.
    Cpu,
    /// A WebGPU adapter.
    Webgpu,
}

/// The device that is used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceInfo {
    /// The device in use.
    pub kind: Device,
    /// The adapter's own description, where there is one.
    pub adapter: Option<String>,
    /// Whether the adapter is emulated on the processor.
    pub software: bool,
    /// Why this device was chosen.
    pub reason: String,
}

/// Reads a tensor's values, row by row, from whatever device it is on.
///
/// # Errors
/// `DEVICE_LOST` where the device does not give them.
pub(crate) async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let lost = |reason: String| Error::DeviceLost { reason };
    let data = tensor.into_data_async().await.map_err(|e| lost(e.to_string()))?;
    data.try_into_vec_as::<f32>().map_err(|e| lost(e.to_string()))
}
