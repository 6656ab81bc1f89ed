//! The memory that a frozen prefix uses again for every batch.

use std::collections::HashMap;
use std::num::NonZeroU64;

use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, BindingResource, Buffer, BufferBinding, BufferDescriptor,
    BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor,
};

use super::GpuPrefix;
use super::program::{Layer, SHAPE_BYTES};
use crate::device::Gpu;
use crate::image::Pixels;

/// The slots that a layer reads, writes and adds; layers with the same ones are bound alike.
type Places = (Option<usize>, usize, Option<usize>);

/// Buffers for some images and what binds them to the kernels.
#[derive(Debug)]
pub struct Maps {
    images: usize,
    pixels: Buffer,
    slots: Vec<Buffer>,
    bindings: HashMap<Places, BindGroup>,
}

impl Drop for Maps {
    /// A browser frees what is dropped only when it next collects garbage.
    fn drop(&mut self) {
        self.pixels.destroy();
        self.slots.iter().for_each(Buffer::destroy);
    }
}

impl Maps {
    /// Takes memory for so many images.
    pub fn new(prefix: &GpuPrefix, images: usize) -> Self {
        let buffer = |bytes: usize, usage| {
            let size = (images * bytes) as u64;
            let descriptor = BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
            prefix.gpu.device.create_buffer(&descriptor)
        };
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC;
        let slots = prefix.program.slots.iter().map(|numbers| buffer(numbers * 4, usage)).collect();
        let pixels = buffer(prefix.side * prefix.side * 4, BufferUsages::STORAGE | BufferUsages::COPY_DST);
        let mut maps = Self { images, pixels, slots, bindings: HashMap::new() };
        for layer in &prefix.program.layers {
            if !maps.bindings.contains_key(&places(layer)) {
                let binding = maps.bind(prefix, layer);
                maps.bindings.insert(places(layer), binding);
            }
        }
        maps
    }

    /// How many images there is memory for.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Binds what `layer.wgsl` names, in its order.
    fn bind(&self, prefix: &GpuPrefix, layer: &Layer) -> BindGroup {
        let slot = |slot: Option<usize>| slot.and_then(|slot| self.slots.get(slot));
        let shape =
            BufferBinding { buffer: &prefix.shapes, offset: 0, size: NonZeroU64::new(SHAPE_BYTES as u64) };
        let resources = [
            BindingResource::Buffer(shape),
            prefix.weights.as_entire_binding(),
            slot(layer.input).unwrap_or(&self.pixels).as_entire_binding(),
            slot(Some(layer.output)).unwrap_or(&self.pixels).as_entire_binding(),
            // Where nothing is added, something must still be bound, and not what is written.
            slot(layer.added).unwrap_or(&prefix.weights).as_entire_binding(),
        ];
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| BindGroupEntry { binding, resource }).collect();
        let descriptor = BindGroupDescriptor { label: None, layout: &prefix.layout, entries: &entries };
        prefix.gpu.device.create_bind_group(&descriptor)
    }

    /// Runs every layer on images; gives the buffer into which their features are copied, to be read.
    pub fn run(&self, prefix: &GpuPrefix, images: &[Pixels]) -> Buffer {
        let Gpu { device, queue, .. } = &prefix.gpu;
        let rgba: Vec<u8> = images.iter().flat_map(Pixels::to_rgba).collect();
        queue.write_buffer(&self.pixels, 0, &rgba);
        let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
        for (index, (layer, pipeline)) in prefix.program.layers.iter().zip(&prefix.pipelines).enumerate() {
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, self.bindings.get(&places(layer)), &[(index * SHAPE_BYTES) as u32]);
            pass.dispatch_workgroups(layer.workgroups, 1, images.len() as u32);
        }
        drop(pass);
        let features = device.create_buffer(&BufferDescriptor {
            label: None,
            size: (images.len() * prefix.output().len() * 4) as u64,
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let last = prefix.program.layers.last().and_then(|layer| self.slots.get(layer.output));
        if let Some(last) = last {
            encoder.copy_buffer_to_buffer(last, 0, &features, 0, features.size());
        }
        queue.submit([encoder.finish()]);
        features
    }
}

fn places(layer: &Layer) -> Places {
    (layer.input, layer.output, layer.added)
}
