//! Where the frozen prefix runs.

mod self_test;

use burn::tensor::{Device as BurnDevice, Tensor};
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

impl Device {
    /// Gets the device and shows that it computes known answers.
    ///
    /// # Errors
    /// `WEBGPU_UNAVAILABLE` where there is no adapter or this build has no WebGPU; `DEVICE_WRONG` where an answer is wrong;
    /// `DEVICE_LOST` where it gives none.
    pub(crate) async fn open(self) -> Result<(BurnDevice, DeviceInfo)> {
        let (device, info) = match self {
            Device::Cpu => {
                self_test::prefix()?;
                (BurnDevice::flex(), DeviceInfo::asked(self, None, false))
            }
            Device::Webgpu => webgpu().await?,
        };
        self_test::tensors(&device).await?;
        Ok((device, info))
    }
}

impl DeviceInfo {
    /// A device that is used because it was asked for.
    fn asked(kind: Device, adapter: Option<String>, software: bool) -> Self {
        let reason = match kind {
            Device::Cpu => "device 'cpu' was asked for",
            Device::Webgpu => "device 'webgpu' was asked for",
        };
        Self { kind, adapter, software, reason: reason.into() }
    }
}

#[cfg(not(feature = "gpu"))]
async fn webgpu() -> Result<(BurnDevice, DeviceInfo)> {
    Err(Error::WebgpuUnavailable { reason: "this build is for the processor only".into() })
}

/// The WebGPU device. burn keeps one runtime for as long as the program runs and refuses to begin another, so that a
/// second call gets the first one's device.
#[cfg(feature = "gpu")]
async fn webgpu() -> Result<(BurnDevice, DeviceInfo)> {
    use std::sync::OnceLock;

    use burn::tensor::wgpu::wgpu::DeviceType;

    static OPENED: OnceLock<(BurnDevice, DeviceInfo)> = OnceLock::new();
    if let Some(opened) = OPENED.get() {
        return Ok(opened.clone());
    }
    let (device, setup) = BurnDevice::wgpu_options()
        .init_with_setup_async()
        .await
        .map_err(|e| Error::WebgpuUnavailable { reason: e.to_string() })?;
    let adapter = setup.adapter.get_info();
    let name = Some(adapter.name).filter(|name| !name.is_empty());
    let emulated = |name: &String| {
        let name = name.to_lowercase();
        ["swiftshader", "llvmpipe", "lavapipe", "basic render"].iter().any(|known| name.contains(known))
    };
    let software = adapter.device_type == DeviceType::Cpu || name.as_ref().is_some_and(emulated);
    let opened = (device, DeviceInfo::asked(Device::Webgpu, name, software));
    Ok(OPENED.get_or_init(|| opened).clone())
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
