//! A plan compiled for this processor, with the memory that it uses again for every image.

use std::sync::{Mutex, PoisonError};

use super::operation::Value;
use super::plan::{Map, Plan};
use super::program::{self, Image, Step, Work};
use super::slots::Slots;
use crate::error::{Error, Result};
use crate::kernel::{Arithmetic, PANEL};

/// Where maps are at most this large, several images run together: there a layer's weights are larger than its map, and
/// are fetched once for all of them.
const SMALL_MAP: usize = 64;

/// Pixels that the small maps of a group have together.
const GROUP_PIXELS: usize = 256;

/// A frozen prefix compiled for square images of one size.
#[derive(Debug)]
pub struct CpuPrefix {
    side: usize,
    /// Steps that run image by image.
    single: Vec<Step>,
    /// Steps after them, which run on a group of images.
    grouped: Vec<Step>,
    group: usize,
    /// The one value between them.
    between: (Value, Map),
    /// The last value.
    output: (Value, Map),
    buffers: Mutex<Buffers>,
}

#[derive(Debug, Default)]
struct Buffers {
    padded: Vec<f32>,
    single: Slots,
    grouped: Slots,
    work: Work,
}

impl CpuPrefix {
    /// Compiles a plan for square images of `side` pixels.
    ///
    /// # Errors
    /// `OPTION_INVALID` where images of this side are too small; `INTERNAL` where the plan has an operation without a kernel.
    pub fn compile(plan: &Plan, side: usize) -> Result<Self> {
        Self::compile_for(plan, side, Arithmetic::fastest())
    }

    /// The same for one way to multiply.
    ///
    /// # Errors
    /// As [`CpuPrefix::compile`].
    pub fn compile_for(plan: &Plan, side: usize, arithmetic: Arithmetic) -> Result<Self> {
        let image = (Value::IMAGE, Map { channels: 3, side });
        let mut single = program::steps(plan, side, arithmetic)?;
        let grouped = single.split_off(first_of_group(&single));
        let result = |steps: &[Step]| steps.last().map(|step| (step.writes, step.output));
        let between = result(&single).unwrap_or(image);
        let output = result(&grouped).unwrap_or(between);
        let group = if grouped.is_empty() { 1 } else { (GROUP_PIXELS / between.1.pixels()).clamp(1, 16) };
        let buffers = Buffers {
            single: Slots::new(&single, None),
            grouped: Slots::new(&grouped, Some(between.0)),
            ..Buffers::default()
        };
        Ok(Self { side, single, grouped, group, between, output, buffers: Mutex::new(buffers) })
    }

    /// The map that an image gives.
    pub fn output(&self) -> Map {
        self.output.1
    }

    /// Runs the prefix on images, each `[side, side, 3]`, normalised, one after the other.
    ///
    /// # Shapes
    /// The result is `[images, channels, height, width]`.
    ///
    /// # Errors
    /// `INTERNAL` where a part of an image is left over.
    pub fn run(&self, images: &[f32]) -> Result<Vec<f32>> {
        self.run_steps(images, self.output, |_| true)
    }

    /// Runs the prefix up to the mean over the image, as [`CpuPrefix::run`].
    ///
    /// # Errors
    /// As [`CpuPrefix::run`].
    pub fn run_unpooled(&self, images: &[f32]) -> Result<Vec<f32>> {
        let last = self.grouped.last().or(self.single.last());
        let unpooled =
            last.filter(|step| step.is_pool()).and_then(|step| Some((*step.reads.first()?, step.input)));
        self.run_steps(images, unpooled.unwrap_or(self.output), |step| !step.is_pool())
    }

    fn run_steps(
        &self,
        images: &[f32],
        output: (Value, Map),
        takes: impl Fn(&Step) -> bool,
    ) -> Result<Vec<f32>> {
        let image_len = self.side * self.side * 3;
        if !images.len().is_multiple_of(image_len) {
            return Err(Error::Internal { reason: "images have another size than the frozen prefix".into() });
        }
        // Every run writes a buffer before it reads it, so that one that stopped halfway leaves nothing wrong behind.
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let Buffers { padded, single, grouped, work } = &mut *buffers;
        let mut features = Vec::with_capacity(images.len() / image_len * output.1.len());
        for group in images.chunks(self.group * image_len) {
            let count = group.len() / image_len;
            for (index, pixels) in group.chunks_exact(image_len).enumerate() {
                let image = Image::new(pixels, self.side, padded);
                for step in self.single.iter().filter(|step| takes(step)) {
                    single.run(step, image, 1, work)?;
                }
                if !self.grouped.is_empty() {
                    let to = grouped.get_mut(self.between.0, count * self.between.1.len());
                    gather(single.get(self.between.0), self.between.1, index, count, to);
                }
            }
            for step in self.grouped.iter().filter(|step| takes(step)) {
                grouped.run(step, Image { plain: group, padded }, count, work)?;
            }
            let slots = if self.grouped.is_empty() { &*single } else { &*grouped };
            unpack(slots.get(output.0), output.1, count, &mut features);
        }
        Ok(features)
    }
}

/// The first step from which images can run together: its map is small, and it and those after it read nothing else that
/// came before.
fn first_of_group(steps: &[Step]) -> usize {
    let can_begin = |&at: &usize| {
        let Some((before, [first, rest @ ..])) = steps.split_at_checked(at) else { return false };
        let Some(between) = before.last().map(|step| step.writes) else { return false };
        let new = |value: &Value| *value >= between;
        let small = first.input.pixels() <= SMALL_MAP && first.reads.iter().all(|value| *value == between);
        small && rest.iter().all(|step| step.reads.iter().all(new))
    };
    (0..steps.len()).find(can_begin).unwrap_or(steps.len())
}

/// Copies the map of one image to its place in a group of `count`.
fn gather(from: &[f32], map: Map, index: usize, count: usize, to: &mut [f32]) {
    let panel = map.pixels() * PANEL;
    for (from, to) in from.chunks_exact(panel).zip(to.chunks_exact_mut(count * panel)) {
        if let Some(to) = to.chunks_exact_mut(panel).nth(index) {
            to.copy_from_slice(from);
        }
    }
}

/// Appends a map in panels, `[panels][images][pixels][8]`, as `[images, channels, height, width]`.
fn unpack(values: &[f32], map: Map, images: usize, out: &mut Vec<f32>) {
    let image = map.pixels() * PANEL;
    for index in 0..images {
        for panel in values.chunks_exact(images * image) {
            for channel in 0..PANEL {
                let pixels = panel.iter().skip(index * image).take(image);
                out.extend(pixels.skip(channel).step_by(PANEL));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use pollster::block_on;

    use super::*;
    use crate::backbone::{Backbone, sample};
    use crate::weights::Tensors;

    fn backbone(seed: u64) -> Backbone {
        Backbone::load(Tensors::read(&sample::weights(seed, |_| ())).unwrap()).unwrap()
    }

    /// `[batch, 3, side, side]` -> `[batch, side, side, 3]`
    fn interleaved(images: &Tensor<4>) -> Vec<f32> {
        images.clone().permute([0, 2, 3, 1]).into_data().try_to_vec().unwrap()
    }

    /// The largest difference, in parts of the largest value where that is above one.
    fn difference(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        let largest = b.iter().fold(1.0f32, |most, value| most.max(value.abs()));
        a.iter().zip(b).fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / largest
    }

    #[test]
    fn the_plan_gives_what_the_module_gives_at_every_size_and_batch() {
        let backbone = backbone(1);
        let plan = backbone.lower(backbone.len()).unwrap();
        for (side, batch) in [(32, 1), (32, 5), (64, 3), (96, 1), (128, 2), (160, 1), (224, 1)] {
            let images = sample::image(batch, side, &Device::flex());
            let expected: Vec<f32> = backbone.embed(images.clone()).into_data().try_to_vec().unwrap();
            let found = CpuPrefix::compile(&plan, side).unwrap().run(&interleaved(&images)).unwrap();
            let difference = difference(&found, &expected);
            assert!(difference < 1e-4, "{side}x{side}, {batch} images: {difference}");
        }
    }

    #[test]
    fn the_plan_gives_what_the_module_gives_at_every_cut() {
        let backbone = backbone(2);
        let images = sample::image(2, 64, &Device::flex());
        for cut in 1..backbone.len() {
            let expected: Vec<f32> =
                backbone.forward(images.clone(), 0..cut).into_data().try_to_vec().unwrap();
            let prefix = CpuPrefix::compile(&backbone.lower(cut).unwrap(), 64).unwrap();
            let difference = difference(&prefix.run(&interleaved(&images)).unwrap(), &expected);
            assert!(difference < 1e-4, "cut {cut}: {difference}");
        }
    }

    /// Every kind of block, stride and padding, at even and odd sides. Networks of random numbers have no trained norms
    /// that keep small errors small: through 25 blocks, 2e-4 was seen where no stage alone adds 1e-4.
    #[track_caller]
    fn module_and_plan_agree(arch: &str, sides: &[usize]) {
        let (backbone, _) = sample::backbone_of(arch, 3);
        let plan = backbone.lower(backbone.len()).unwrap();
        for &side in sides {
            let images = sample::image(2, side, &Device::flex());
            let expected: Vec<f32> = backbone.embed(images.clone()).into_data().try_to_vec().unwrap();
            let found = CpuPrefix::compile(&plan, side).unwrap().run(&interleaved(&images)).unwrap();
            let difference = difference(&found, &expected);
            assert!(difference < 5e-4, "{arch}, side {side}: {difference}");
        }
    }

    /// Every stage alone: of what the plan gives at one cut, the module makes what the plan gives at the next.
    #[track_caller]
    fn stages_agree(arch: &str, side: usize) {
        let (backbone, _) = sample::backbone_of(arch, 4);
        let mut map = sample::image(2, side, &Device::flex());
        let images = interleaved(&map);
        for cut in 1..backbone.len() {
            let expected = backbone.forward(map, cut - 1..cut);
            let prefix = CpuPrefix::compile(&backbone.lower(cut).unwrap(), side).unwrap();
            let found = prefix.run(&images).unwrap();
            map = Tensor::from_data(TensorData::new(found.clone(), expected.dims()), &Device::flex());
            let difference = difference(&found, &expected.into_data().try_to_vec::<f32>().unwrap());
            assert!(difference < 1e-4, "{arch}, cut {cut}: {difference}");
        }
    }

    #[test]
    fn mobile_networks_agree_with_their_modules() {
        for arch in ["mobilenetv1_100", "mobilenetv2_035", "mobilenet_v3_small", "tf_mobilenetv3_large_100"] {
            module_and_plan_agree(arch, &[64, 75]);
        }
        stages_agree("mobilenet_v3_large", 64);
        stages_agree("tf_mobilenetv2_050", 75);
    }

    #[test]
    fn efficientnets_agree_with_their_modules() {
        for arch in ["efficientnet_lite2", "tf_efficientnet_lite0", "efficientnet_b1", "tf_efficientnet_b0"] {
            module_and_plan_agree(arch, &[64, 75]);
        }
        stages_agree("efficientnet_b0", 64);
        stages_agree("tf_efficientnet_lite0", 75);
    }

    #[test]
    fn resnets_agree_with_their_modules() {
        module_and_plan_agree("resnet18", &[64, 75]);
        module_and_plan_agree("resnet50", &[64]);
        stages_agree("resnet50", 64);
    }

    #[test]
    fn networks_with_max_pooling_agree_with_their_modules() {
        for arch in ["vgg11", "vgg13_bn", "alexnet", "squeezenet1_1"] {
            module_and_plan_agree(arch, &[64, 75]);
        }
        stages_agree("alexnet", 64);
        stages_agree("squeezenet1_1", 75);
    }

    #[test]
    fn an_image_that_is_too_small_is_refused() {
        let plan = block_on(async {
            let (backbone, _) = sample::backbone_of("alexnet", 1);
            backbone.lower(backbone.len()).unwrap()
        });
        assert_eq!(CpuPrefix::compile(&plan, 32).unwrap_err().code(), "OPTION_INVALID");
    }

    #[test]
    fn an_image_gives_the_same_features_alone_and_in_a_batch_and_twice() {
        let backbone = backbone(3);
        let plan = backbone.lower(backbone.len()).unwrap();
        let images = interleaved(&sample::image(7, 64, &Device::flex()));
        for arithmetic in [Arithmetic::Float, Arithmetic::Integer] {
            let prefix = CpuPrefix::compile_for(&plan, 64, arithmetic).unwrap();
            let together = prefix.run(&images).unwrap();
            let alone: Vec<f32> =
                images.chunks(64 * 64 * 3).flat_map(|image| prefix.run(image).unwrap()).collect();
            assert_eq!(together, alone);
            assert_eq!(together, prefix.run(&images).unwrap());
        }
    }

    /// Whole numbers have about the bits of half precision. A network of random numbers makes small errors large, so that
    /// every stage is compared alone; `golden_real_backbones` has whole networks.
    #[test]
    fn every_stage_of_whole_numbers_gives_what_the_module_gives() {
        let backbone = backbone(5);
        for (side, batch) in [(32, 5), (64, 2), (96, 1)] {
            let mut map = sample::image(batch, side, &Device::flex());
            let images = interleaved(&map);
            for cut in 1..backbone.len() {
                let expected = backbone.forward(map, cut - 1..cut);
                let plan = backbone.lower(cut).unwrap();
                let prefix = CpuPrefix::compile_for(&plan, side, Arithmetic::Integer).unwrap();
                let found = prefix.run(&images).unwrap();
                map = Tensor::from_data(TensorData::new(found.clone(), expected.dims()), &Device::flex());
                let difference = difference(&found, &expected.into_data().try_to_vec::<f32>().unwrap());
                assert!(difference < 1e-3, "{side}x{side}, cut {cut}: {difference}");
            }
        }
    }

    #[test]
    fn a_part_of_an_image_is_refused() {
        let backbone = backbone(4);
        let prefix = CpuPrefix::compile(&backbone.lower(3).unwrap(), 32).unwrap();
        assert_eq!(prefix.run(&[0.0; 32 * 32 * 3 - 1]).unwrap_err().code(), "INTERNAL");
    }
}
