//! Where the frozen prefix runs.

#[cfg(feature = "gpu")]
mod gpu;
pub(crate) mod self_test;
#[cfg(feature = "tune")]
mod tuning_test;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

#[cfg(feature = "gpu")]
pub(crate) use self::gpu::Gpu;
use crate::error::{Error, Result};
use crate::prefix::Arithmetic;

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

/// A device that was found.
#[derive(Debug)]
pub(crate) enum Opened {
    /// This processor.
    Cpu,
    /// A WebGPU adapter's device.
    #[cfg(feature = "gpu")]
    Webgpu(Gpu),
}

impl Opened {
    /// What the processor multiplies beside this device: f32 where another one does, which is compared with it.
    pub(crate) fn arithmetic(&self) -> Arithmetic {
        match self {
            Self::Cpu => Arithmetic::fastest(),
            #[cfg(feature = "gpu")]
            Self::Webgpu(_) => Arithmetic::Float,
        }
    }
}

impl Device {
    /// Gets the device, and shows that the kernels of this processor compute known answers: heads are trained with them in
    /// any case. What another device will run is tested once it is compiled.
    ///
    /// # Errors
    /// `WEBGPU_UNAVAILABLE` where there is no adapter or this build has no WebGPU; `DEVICE_WRONG` where an answer is wrong.
    pub(crate) async fn open(self) -> Result<(Opened, DeviceInfo)> {
        self_test::prefix()?;
        self_test::layers()?;
        match self {
            Device::Cpu => Ok((Opened::Cpu, DeviceInfo::asked(self, None, false))),
            Device::Webgpu => webgpu().await,
        }
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
async fn webgpu() -> Result<(Opened, DeviceInfo)> {
    Err(Error::WebgpuUnavailable { reason: "this build is for the processor only".into() })
}

#[cfg(feature = "gpu")]
async fn webgpu() -> Result<(Opened, DeviceInfo)> {
    let gpu = Gpu::open().await?;
    let info = DeviceInfo::asked(Device::Webgpu, gpu.adapter.clone(), gpu.software);
    Ok((Opened::Webgpu(gpu), info))
}

/// The values of a tensor on the CPU device, row by row.
///
/// # Errors
/// `INTERNAL` where the device does not give them.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.into_data().try_to_vec::<f32>().map_err(|error| Error::Internal { reason: format!("{error:?}") })
}
