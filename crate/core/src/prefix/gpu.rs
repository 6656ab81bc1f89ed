//! A frozen prefix on a WebGPU device: the burn module as it is.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::backbone::Backbone;
use crate::device::read;
use crate::error::Result;

/// Images that go through together: more of them would not fit a small adapter's memory at the widest layer.
const BATCH: usize = 8;

/// A frozen prefix on a device.
#[derive(Debug)]
pub struct GpuPrefix {
    backbone: Backbone,
    device: Device,
    side: usize,
}

impl GpuPrefix {
    /// A prefix for square images of `side` pixels.
    pub fn new(backbone: &Backbone, device: Device, side: usize) -> Self {
        Self { backbone: backbone.clone().fork(&device), device, side }
    }

    /// The same with other weights.
    pub fn with(&self, backbone: &Backbone) -> Self {
        Self::new(backbone, self.device.clone(), self.side)
    }

    /// Runs the stages before `cut` on images, each `[side, side, 3]`, normalised, one after the other.
    ///
    /// # Shapes
    /// The result is `[images, channels, height, width]`, or `[images, embedding]` at the last cut.
    ///
    /// # Errors
    /// `DEVICE_LOST` where the device gives no numbers.
    pub async fn run(&self, images: &[f32], cut: usize) -> Result<Vec<f32>> {
        let mut features = Vec::new();
        let image = self.side * self.side * 3;
        for batch in images.chunks(BATCH * image) {
            let shape = [batch.len() / image, self.side, self.side, 3];
            let input = Tensor::<4>::from_data(TensorData::new(batch.to_vec(), shape), &self.device);
            let input = input.permute([0, 3, 1, 2]);
            features.extend(match cut == self.backbone.len() {
                true => read(self.backbone.embed(input)).await?,
                false => read(self.backbone.forward(input, 0..cut)).await?,
            });
        }
        Ok(features)
    }
}
