//! A frozen prefix on a WebGPU device: the burn module as it is.

use burn::tensor::{Device, Tensor, TensorData};

use crate::backbone::Backbone;
use crate::device::read;
use crate::error::Result;

/// Images that go through together: more of them would not fit a small adapter's memory at the widest layer.
const BATCH: usize = 8;

/// A frozen prefix that ends in the embedding, on a device.
#[derive(Debug)]
pub struct GpuPrefix {
    backbone: Backbone,
    device: Device,
    side: usize,
}

impl GpuPrefix {
    /// A prefix for square images of `side` pixels; the backbone is on the device.
    pub fn new(backbone: Backbone, device: Device, side: usize) -> Self {
        Self { backbone, device, side }
    }

    /// Runs the prefix on images, each `[side, side, 3]`, normalised, one after the other.
    ///
    /// # Shapes
    /// The result is `[images, embedding]`.
    ///
    /// # Errors
    /// `DEVICE_LOST` where the device gives no numbers.
    pub async fn run(&self, images: &[f32]) -> Result<Vec<f32>> {
        self.run_with(images, |input| self.backbone.embed(input)).await
    }

    /// Runs the prefix up to the mean over the image, as [`GpuPrefix::run`].
    ///
    /// # Shapes
    /// The result is `[images, channels, height, width]`.
    ///
    /// # Errors
    /// As [`GpuPrefix::run`].
    pub async fn run_unpooled(&self, images: &[f32]) -> Result<Vec<f32>> {
        self.run_with(images, |input| self.backbone.forward(input, 0..self.backbone.len())).await
    }

    async fn run_with<const D: usize>(
        &self,
        images: &[f32],
        forward: impl Fn(Tensor<4>) -> Tensor<D>,
    ) -> Result<Vec<f32>> {
        let mut features = Vec::new();
        let image = self.side * self.side * 3;
        for batch in images.chunks(BATCH * image) {
            let shape = [batch.len() / image, self.side, self.side, 3];
            let input = Tensor::<4>::from_data(TensorData::new(batch.to_vec(), shape), &self.device);
            features.extend(read(forward(input.permute([0, 3, 1, 2]))).await?);
        }
        Ok(features)
    }
}
