//! The WebGPU device behind burn's, for kernels that burn does not have.

use std::future::Future;

use burn::tensor::wgpu::wgpu::{self, Buffer, ErrorFilter, MapMode};

use crate::error::{Error, Result};

/// burn's own device and queue; what is submitted here and what burn submits run one after the other.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// Makes buffers and pipelines.
    pub device: wgpu::Device,
    /// Runs them.
    pub queue: wgpu::Queue,
    /// Whether the adapter is emulated on the processor.
    pub software: bool,
}

impl Gpu {
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
            Ok(bytes.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect())
        }
    }
}
