//! Where the frozen prefix runs.

use serde::{Deserialize, Serialize};

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
