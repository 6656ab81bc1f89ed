//! A plan compiled for a WebGPU device: own WGSL kernels, one dispatch an operation.
//!
//! No workgroup memory and no barriers; sums stay in registers. Pixels go in as eight-bit RGBA, only features come back.

mod compile;
mod kernel;
mod maps;
mod program;
mod template;
mod tiles;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, BufferBindingType,
    BufferUsages, ComputePipeline, ComputePipelineDescriptor, PipelineLayoutDescriptor,
    ShaderModuleDescriptor, ShaderSource, ShaderStages,
};

use self::kernel::Kernel;
use self::maps::Maps;
use self::program::Program;
use self::tiles::Tiles;
use super::plan::{Map, Plan};
use crate::device::Gpu;
use crate::error::{Error, Result};
use crate::image::Pixels;

/// A frozen prefix compiled for square images of one size.
#[derive(Debug)]
pub struct GpuPrefix {
    gpu: Gpu,
    side: usize,
    program: Program,
    pipelines: Vec<ComputePipeline>,
    layout: BindGroupLayout,
    shapes: wgpu::Buffer,
    weights: wgpu::Buffer,
    /// Images that fit the device's buffers together.
    batch: usize,
    /// Made for one image at first, for whole batches once they come.
    maps: Mutex<Option<Maps>>,
}

impl GpuPrefix {
    /// Compiles a plan for square images of `side` pixels, a multiple of 32, that are normalised by mean and standard
    /// deviation of their channels, for values of 0 to 1.
    ///
    /// # Errors
    /// `WEBGPU_UNAVAILABLE` where the plan has an operation without a kernel; `OUT_OF_MEMORY` where an image does not fit the device;
    /// `WEBGPU_UNAVAILABLE` where the device refuses a kernel.
    pub async fn compile(gpu: Gpu, plan: &Plan, side: usize, normalise: [[f32; 3]; 2]) -> Result<Self> {
        let tiles = Tiles::of(gpu.software);
        let program = Program::new(plan, side, normalise, tiles)?;
        let batch = fitting(&program, &gpu.device.limits(), tiles.batch)?;
        let (made, verdict) = gpu.watched(compile::refused, || {
            let layout = layout(&gpu.device);
            let weights: Vec<u8> = program.weights.iter().flat_map(|value| value.to_le_bytes()).collect();
            (
                layout,
                filled(&gpu, &program.shapes, BufferUsages::UNIFORM),
                filled(&gpu, &weights, BufferUsages::STORAGE),
            )
        });
        verdict.await?;
        let (layout, shapes, weights) = made;
        let make = || pipelines(&gpu.device, &layout, &program, tiles.workgroup);
        let pipelines = compile::compile(&gpu, make).await?;
        Ok(Self { gpu, side, program, pipelines, layout, shapes, weights, batch, maps: Mutex::default() })
    }

    /// The map that an image gives.
    pub fn output(&self) -> Map {
        self.program.output
    }

    /// Runs the prefix on images of `side` pixels squared.
    ///
    /// # Shapes
    /// The result is `[images, channels, height, width]`.
    ///
    /// # Errors
    /// `INTERNAL` where an image has another size; `OUT_OF_MEMORY` where the maps do not fit the device; `DEVICE_LOST` where
    /// it gives no numbers.
    pub async fn run(&self, images: &[Pixels]) -> Result<Vec<f32>> {
        if images.iter().any(|image| image.rgb().len() != self.side * self.side * 3) {
            return Err(Error::Internal { reason: "images have another size than the frozen prefix".into() });
        }
        // All of it is on its way before anything is waited for.
        let batches: Vec<_> = images.chunks(self.batch).map(|batch| self.submit(batch)).collect();
        let mut features = Vec::with_capacity(images.len() * self.output().len());
        for batch in batches {
            unpack(&batch.await?, self.output(), &mut features);
        }
        Ok(features)
    }

    /// Sends a batch to the device; gives its features, `[images, height, width, channels]`.
    fn submit(&self, images: &[Pixels]) -> impl Future<Output = Result<Vec<f32>>> {
        // What it compiled, a device refuses only once it is gone.
        let lost = |reason| Error::DeviceLost { reason };
        let run = || self.gpu.read(self.dispatch(images));
        let (features, verdict) = self.gpu.watched(lost, run);
        async move {
            if let Err(error) = verdict.await {
                // Buffers that there was no memory for must not be used again.
                *self.maps.lock().unwrap_or_else(PoisonError::into_inner) = None;
                return Err(error);
            }
            features.await
        }
    }

    /// Runs every layer on images, in memory that fits them.
    fn dispatch(&self, images: &[Pixels]) -> wgpu::Buffer {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = maps.take().filter(|maps| maps.images() >= images.len());
        let room = if images.len() == 1 { 1 } else { self.batch };
        maps.insert(fitting.unwrap_or_else(|| Maps::new(self, room))).run(self, images)
    }
}

/// How many images fit the device's buffers together, at most so many.
fn fitting(program: &Program, limits: &wgpu::Limits, most: usize) -> Result<usize> {
    let bytes = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size);
    let widest = program.slots.iter().max().map_or(4, |numbers| *numbers as u64 * 4);
    let workgroups = program.layers.iter().map(|layer| layer.workgroups).max();
    let refuse = |reason: &str| Err(Error::OutOfMemory { reason: reason.into() });
    if bytes < widest.max(program.weights.len() as u64 * 4) {
        return refuse("a map or the weights are larger than the device's largest buffer");
    }
    if workgroups > Some(limits.max_compute_workgroups_per_dimension) {
        return refuse("a map is larger than the device's largest dispatch");
    }
    Ok((bytes / widest).min(most as u64) as usize)
}

/// The bindings of `layer.wgsl`, the same for all kernels.
fn layout(device: &wgpu::Device) -> BindGroupLayout {
    let (read, write) =
        (BufferBindingType::Storage { read_only: true }, BufferBindingType::Storage { read_only: false });
    let types = [BufferBindingType::Uniform, read, read, write, read];
    let entries: Vec<_> = (0..)
        .zip(types)
        .map(|(binding, ty)| BindGroupLayoutEntry {
            binding,
            visibility: ShaderStages::COMPUTE,
            ty: BindingType::Buffer {
                ty,
                // Where the layer's shape lies among all of them.
                has_dynamic_offset: ty == BufferBindingType::Uniform,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&BindGroupLayoutDescriptor { label: None, entries: &entries })
}

/// The pipeline of every layer; layers with the same kernel share theirs.
fn pipelines(
    device: &wgpu::Device,
    layout: &BindGroupLayout,
    program: &Program,
    workgroup: u32,
) -> Vec<ComputePipeline> {
    let layout = device.create_pipeline_layout(&PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    let pipeline = |kernel: Kernel| {
        let source = ShaderSource::Wgsl(kernel.source(workgroup).into());
        let module = device.create_shader_module(ShaderModuleDescriptor { label: None, source });
        device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: None,
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        })
    };
    let mut made = HashMap::new();
    let kernels = program.layers.iter().map(|layer| layer.kernel);
    kernels.map(|kernel| made.entry(kernel).or_insert_with(|| pipeline(kernel)).clone()).collect()
}

/// A buffer with these bytes, a multiple of four.
fn filled(gpu: &Gpu, bytes: &[u8], usage: BufferUsages) -> wgpu::Buffer {
    let (size, usage) = (bytes.len() as u64, usage | BufferUsages::COPY_DST);
    let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
    let buffer = gpu.device.create_buffer(&descriptor);
    gpu.queue.write_buffer(&buffer, 0, bytes);
    buffer
}

/// Appends maps, `[images, height, width, channels]`, as `[images, channels, height, width]`.
fn unpack(values: &[f32], map: Map, out: &mut Vec<f32>) {
    for image in values.chunks_exact(map.len()) {
        for channel in 0..map.channels {
            out.extend(image.iter().skip(channel).step_by(map.channels));
        }
    }
}
