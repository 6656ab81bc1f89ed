//! Where there is an adapter, the kernels against the burn module. Both sets of tiles run on whatever adapter there is.

use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;

use super::*;
use crate::backbone::{Backbone, sample};
use crate::device::self_test;
use crate::image::Preprocess;
use crate::prefix::{Activation, Convolution, CpuPrefix, Padding, Value};
use crate::weights::Tensors;

/// A device that passes as emulated or as a GPU, whatever it is; none where there is no adapter.
fn gpu(software: bool) -> Option<Gpu> {
    let mut gpu = block_on(Gpu::open()).ok()?;
    gpu.software = software;
    Some(gpu)
}

/// Does a test with both sets of tiles; without an adapter nothing is tested.
fn on_devices(test: impl Fn(bool)) {
    match gpu(true) {
        Some(_) => [true, false].into_iter().for_each(test),
        None => eprintln!("there is no WebGPU adapter: nothing is tested"),
    }
}

fn backbone() -> Backbone {
    Backbone::load(Tensors::read(&sample::weights(1, |_| ())).unwrap()).unwrap()
}

fn compile(software: bool, backbone: &Backbone, cut: usize, side: usize) -> GpuPrefix {
    let spec = sample::spec();
    let plan = backbone.lower(cut).unwrap();
    block_on(GpuPrefix::compile(gpu(software).unwrap(), &plan, side, [spec.mean, spec.std])).unwrap()
}

fn images(count: u32, side: u32) -> Vec<Pixels> {
    let image =
        |seed: u32| (0..side * side * 3).map(move |at| ((at + seed).wrapping_mul(2_654_435_761) >> 24) as u8);
    (0..count).map(|seed| Pixels::from_rgb(side, side, image(seed).collect()).unwrap()).collect()
}

/// What the module gives before `cut`, pooled at the end.
fn defined(backbone: &Backbone, cut: usize, images: &[Pixels]) -> Vec<f32> {
    let side = images[0].width();
    let preprocess = Preprocess::new(&sample::spec(), side);
    let values: Vec<f32> = images.iter().flat_map(|image| preprocess.normalise(image)).collect();
    let shape = [images.len(), side as usize, side as usize, 3];
    let input = Tensor::<4>::from_data(TensorData::new(values, shape), &Device::flex());
    let maps = backbone.forward(input.permute([0, 3, 1, 2]), 0..cut);
    match cut == backbone.len() {
        true => backbone.pool(maps).into_data().try_to_vec().unwrap(),
        false => maps.into_data().try_to_vec().unwrap(),
    }
}

/// The largest difference, in parts of the largest value where that is above one.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    a.iter().zip(b).fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / largest
}

#[test]
fn the_kernels_give_what_the_module_gives_at_every_size_and_batch() {
    let backbone = backbone();
    on_devices(|software| {
        for (side, count) in [(32, 1), (32, 9), (64, 3), (96, 2), (160, 1)] {
            let images = images(count, side);
            let prefix = compile(software, &backbone, backbone.len(), side as usize);
            let found = block_on(prefix.run(&images)).unwrap();
            let difference = difference(&found, &defined(&backbone, backbone.len(), &images));
            assert!(difference < 1e-4, "{side}x{side}, {count} images: {difference}");
        }
    });
}

#[test]
fn the_kernels_give_what_the_module_gives_at_every_cut() {
    let backbone = backbone();
    let images = images(2, 64);
    on_devices(|software| {
        for cut in 1..backbone.len() {
            let found = block_on(compile(software, &backbone, cut, 64).run(&images)).unwrap();
            let difference = difference(&found, &defined(&backbone, cut, &images));
            assert!(difference < 1e-4, "cut {cut}: {difference}");
        }
    });
}

#[test]
fn an_image_gives_the_same_features_alone_and_in_batches() {
    let backbone = backbone();
    let images = images(17, 32);
    on_devices(|software| {
        let prefix = compile(software, &backbone, backbone.len(), 32);
        let alone = images.chunks(1).flat_map(|image| block_on(prefix.run(image)).unwrap());
        let alone: Vec<f32> = alone.collect();
        assert_eq!(block_on(prefix.run(&images)).unwrap(), alone);
        assert!(block_on(prefix.run(&[])).unwrap().is_empty());
    });
}

#[test]
fn an_image_of_another_size_is_refused() {
    let backbone = backbone();
    on_devices(|software| {
        let prefix = compile(software, &backbone, backbone.len(), 32);
        assert_eq!(block_on(prefix.run(&images(1, 64))).unwrap_err().code(), "INTERNAL");
    });
}

#[test]
fn a_lost_device_is_told() {
    let backbone = backbone();
    on_devices(|software| {
        let prefix = compile(software, &backbone, backbone.len(), 32);
        block_on(prefix.run(&images(1, 32))).unwrap();
        prefix.gpu.device.destroy();
        assert_eq!(block_on(prefix.run(&images(1, 32))).unwrap_err().code(), "DEVICE_LOST");
    });
}

#[test]
fn the_self_test_finds_other_numbers_than_the_processors() {
    let backbone = backbone();
    let plan = backbone.lower(backbone.len()).unwrap();
    let cpu = CpuPrefix::compile(&plan, 32).unwrap();
    let (spec, preprocess) = (sample::spec(), Preprocess::new(&sample::spec(), 32));
    on_devices(|software| {
        let agrees = |std| {
            let gpu = gpu(software).unwrap();
            let prefix = block_on(GpuPrefix::compile(gpu, &plan, 32, [spec.mean, std])).unwrap();
            block_on(self_test::agrees(&prefix, &cpu, &preprocess, 32))
        };
        agrees(spec.std).unwrap();
        assert_eq!(agrees(spec.std.map(|std| std * 1.1)).unwrap_err().code(), "DEVICE_WRONG");
    });
}

#[test]
fn what_does_not_fit_the_device_is_refused_and_batches_shrink() {
    let plan = backbone().lower(backbone().len()).unwrap();
    let program = Program::new(&plan, 224, [[0.5; 3], [0.25; 3]], Tiles::of(false)).unwrap();
    let limits = wgpu::Limits::default();
    assert_eq!(fitting(&program, &limits, 8).unwrap(), 8);
    // The widest map has 112 x 112 x 96 numbers, the weights are about 2.2 million.
    let widest = 112 * 112 * 96 * 4;
    let small = wgpu::Limits { max_storage_buffer_binding_size: 3 * widest, ..limits.clone() };
    assert_eq!(fitting(&program, &small, 8).unwrap(), 3);
    let smaller = wgpu::Limits { max_buffer_size: 1 << 20, ..limits };
    assert_eq!(fitting(&program, &smaller, 8).unwrap_err().code(), "OUT_OF_MEMORY");
}

#[test]
fn few_pipelines_and_three_maps_serve_the_network() {
    let plan = backbone().lower(backbone().len()).unwrap();
    for software in [true, false] {
        let program = Program::new(&plan, 224, [[0.5; 3], [0.25; 3]], Tiles::of(software)).unwrap();
        let kernels: std::collections::HashSet<_> = program.layers.iter().map(|layer| layer.kernel).collect();
        assert!(kernels.len() <= 13, "{kernels:?}");
        assert_eq!(program.slots.len(), 3);
        for layer in &program.layers {
            assert!(layer.input != Some(layer.output) && layer.added != Some(layer.output), "{layer:?}");
        }
    }
}

/// Every kind of block, window, padding and activation. Networks of random numbers have no trained norms that keep small
/// errors small, as for the processor.
#[test]
fn every_family_gives_what_its_module_gives() {
    let spec = sample::spec();
    for (arch, side) in [
        ("mobilenetv1_100", 64),
        ("mobilenet_v3_small", 64),
        ("tf_mobilenetv3_large_100", 75),
        ("efficientnet_lite0", 64),
        ("tf_efficientnet_b0", 75),
        ("resnet18", 64),
        ("resnet50", 64),
        ("vgg11", 64),
        ("alexnet", 75),
        ("squeezenet1_1", 75),
    ] {
        let (backbone, _) = sample::backbone_of(arch, 3);
        let plan = backbone.lower(backbone.len()).unwrap();
        let images = images(2, side);
        let expected = defined(&backbone, backbone.len(), &images);
        on_devices(|software| {
            let gpu = gpu(software).unwrap();
            let prefix =
                block_on(GpuPrefix::compile(gpu, &plan, side as usize, [spec.mean, spec.std])).unwrap();
            let found = block_on(prefix.run(&images)).unwrap();
            let difference = difference(&found, &expected);
            assert!(difference < 5e-4, "{arch}, side {side}: {difference}");
        });
    }
}

#[test]
fn a_layer_without_a_kernel_is_left_to_the_processor() {
    let mut plan = Plan::new(3);
    let layer = |from, input: usize, groups: usize| Convolution {
        from,
        input,
        output: 8,
        kernel: 3,
        stride: 1,
        padding: Padding::Even(1),
        groups,
        weight: vec![0.0; 8 * input / groups * 9],
        bias: vec![0.0; 8],
        activation: Activation::Relu,
        add: None,
    };
    let first = plan.convolution(layer(Value::IMAGE, 3, 1)).unwrap();
    let program = |plan: &Plan| Program::new(plan, 32, [[0.5; 3], [0.25; 3]], Tiles::of(false));
    assert!(program(&plan).is_ok());
    plan.convolution(layer(first, 8, 2)).unwrap();
    assert_eq!(program(&plan).unwrap_err().code(), "WEBGPU_UNAVAILABLE");
}
