//! A WebGPU device, natively or the browser's.

use std::future::Future;

use wgpu::{
    Buffer, DeviceDescriptor, DeviceType, ErrorFilter, MapMode, PowerPreference, RequestAdapterOptions,
};

use crate::error::{Error, Result};

/// Drivers that emulate a GPU on the processor.
const EMULATIONS: [&str; 4] = ["swiftshader", "llvmpipe", "lavapipe", "basic render"];

/// A device and its queue; it is given back, with all its memory, when this is dropped.
#[derive(Debug)]
pub struct Gpu {
    /// Makes buffers and pipelines.
    pub device: wgpu::Device,
    /// Runs them.
    pub queue: wgpu::Queue,
    /// The adapter's own description, where there is one.
    pub adapter: Option<String>,
    /// Whether the adapter is emulated on the processor.
    pub software: bool,
}

impl Drop for Gpu {
    /// A browser frees what is dropped only when it next collects garbage.
    fn drop(&mut self) {
        self.device.destroy();
    }
}

impl Gpu {
    /// Opens the fastest adapter with its own limits and none of its optional features.
    ///
    /// # Errors
    /// `WEBGPU_UNAVAILABLE` where there is none, or it gives no device.
    pub async fn open() -> Result<Self> {
        let options = RequestAdapterOptions {
            power_preference: PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = wgpu::Instance::default()
            .request_adapter(&options)
            .await
            .map_err(|error| Error::WebgpuUnavailable { reason: error.to_string() })?;
        let descriptor = DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|error| Error::WebgpuUnavailable { reason: error.to_string() })?;
        let info = adapter.get_info();
        let name = info.name.to_lowercase();
        let software =
            info.device_type == DeviceType::Cpu || EMULATIONS.iter().any(|known| name.contains(known));
        let adapter = Some(info.name).filter(|name| !name.is_empty());
        Ok(Self { device, queue, adapter, software })
    }

    /// Does work, and gives with its result what the device will say of it. A device reports what it refuses later and
    /// elsewhere, and goes on with buffers that nothing was written to. `refused` is the error for all but `OUT_OF_MEMORY`.
    pub fn watched<T>(
        &self,
        refused: impl Fn(String) -> Error,
        work: impl FnOnce() -> T,
    ) -> (T, impl Future<Output = Result<()>>) {
        let filters = [ErrorFilter::OutOfMemory, ErrorFilter::Validation, ErrorFilter::Internal];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        let value = work();
        let verdicts: Vec<_> = scopes.into_iter().rev().map(|scope| scope.pop()).collect();
        let verdict = async move {
            for verdict in verdicts {
                match verdict.await {
                    None => {}
                    Some(error @ wgpu::Error::OutOfMemory { .. }) => {
                        return Err(Error::OutOfMemory { reason: error.to_string() });
                    }
                    Some(error) => return Err(refused(error.to_string())),
                }
            }
            Ok(())
        };
        (value, verdict)
    }

    /// Reads a buffer that was made for that, once what was submitted before has run.
    ///
    /// # Errors
    /// `DEVICE_LOST` where the device does not give it.
    pub fn read(&self, buffer: Buffer) -> impl Future<Output = Result<Vec<f32>>> + use<> {
        let (sender, receiver) = async_channel::bounded(1);
        buffer.map_async(MapMode::Read, .., move |result| {
            // Nobody waits any more where the receiver is gone.
            let _ = sender.try_send(result);
        });
        let device = self.device.clone();
        async move {
            let lost = |reason: String| Error::DeviceLost { reason };
            // A browser calls back by itself.
            if cfg!(not(target_family = "wasm")) {
                device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| lost(error.to_string()))?;
            }
            let mapped = receiver.recv().await.map_err(|error| lost(error.to_string()))?;
            mapped.map_err(|error| lost(error.to_string()))?;
            let bytes = buffer.get_mapped_range(..).map_err(|error| lost(error.to_string()))?;
            let numbers = bytes.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
            drop(bytes);
            buffer.destroy();
            Ok(numbers)
        }
    }
}
