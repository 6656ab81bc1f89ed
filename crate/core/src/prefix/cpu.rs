//! A plan compiled for this processor, with the memory that it uses again for every image.

use std::sync::{Mutex, PoisonError};

use super::block::{Block, Scratch, Source};
use super::layer::{self, Activation, Panels, PanelsMut};
use super::packed::{Kind, Packed};
use super::plan::{Convolution, Map, Operation, Plan, Value};
use crate::error::{Error, Result};
use crate::kernel::{self, PANEL};

/// Where maps are at most this large, several images run together: there a layer's weights are larger than its map, and
/// are fetched once for all of them.
const SMALL_MAP: usize = 64;

/// Pixels that the small maps of a group have together.
const GROUP_PIXELS: usize = 256;

/// Operations that run together, with the maps before and after them.
#[derive(Debug)]
struct Step {
    kind: StepKind,
    input: Map,
    output: Map,
}

#[derive(Debug)]
enum StepKind {
    Stem(Packed),
    Pointwise(Packed),
    Block(Block),
    Pool,
}

/// A frozen prefix compiled for square images of one size.
#[derive(Debug)]
pub struct CpuPrefix {
    side: usize,
    /// Steps that run image by image.
    single: Vec<Step>,
    /// Steps after them, which run on a group of images.
    grouped: Vec<Step>,
    group: usize,
    between: Map,
    output: Map,
    buffers: Mutex<Buffers>,
}

/// Maps are `[panels][images][pixels][8]`.
#[derive(Debug, Default)]
struct Buffers {
    /// The image, with a zero row above and a zero pixel before each row.
    image: Vec<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
    group: Vec<f32>,
    scratch: Scratch,
}

impl CpuPrefix {
    /// Compiles a plan for square images of `side` pixels, a multiple of 32.
    ///
    /// # Errors
    /// `INTERNAL` where the plan has an operation without a kernel.
    pub fn compile(plan: &Plan, side: usize) -> Result<Self> {
        let image = Map { channels: 3, side };
        let mut single = steps(plan, image)?;
        let small = |step: &Step| step.input != image && step.input.pixels() <= SMALL_MAP;
        let grouped = single.split_off(single.iter().position(small).unwrap_or(single.len()));
        let output = grouped.last().or(single.last()).map_or(image, |step| step.output);
        let between = grouped.first().map_or(output, |step| step.input);
        let group = if grouped.is_empty() { 1 } else { (GROUP_PIXELS / between.pixels()).clamp(1, 16) };
        Ok(Self { side, single, grouped, group, between, output, buffers: Mutex::default() })
    }

    /// The map that an image gives.
    pub fn output(&self) -> Map {
        self.output
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
        let map = match last {
            Some(Step { kind: StepKind::Pool, input, .. }) => *input,
            _ => self.output,
        };
        self.run_steps(images, map, |step| !matches!(step.kind, StepKind::Pool))
    }

    fn run_steps(&self, images: &[f32], output: Map, takes: impl Fn(&Step) -> bool) -> Result<Vec<f32>> {
        let image_len = self.side * self.side * 3;
        if !images.len().is_multiple_of(image_len) {
            return Err(Error::Internal { reason: "images have another size than the frozen prefix".into() });
        }
        // Every run writes a buffer before it reads it, so that one that stopped halfway leaves nothing wrong behind.
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut features = Vec::with_capacity(images.len() / image_len * output.len());
        for group in images.chunks(self.group * image_len) {
            let count = group.len() / image_len;
            for (index, image) in group.chunks_exact(image_len).enumerate() {
                buffers.pad(image, self.side);
                for step in self.single.iter().filter(|step| takes(step)) {
                    buffers.run(step, 1)?;
                }
                let between = if self.grouped.is_empty() { output } else { self.between };
                buffers.gather(between, index, count);
            }
            buffers.take_group();
            for step in self.grouped.iter().filter(|step| takes(step)) {
                buffers.run(step, count)?;
            }
            unpack(&buffers.input, output, count, &mut features);
        }
        Ok(features)
    }
}

/// Puts operations together to steps.
fn steps(plan: &Plan, image: Map) -> Result<Vec<Step>> {
    use Operation::{Convolution as Conv, Pool};
    let maps = plan.maps(image.side);
    let mut input = image;
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some([first, rest @ ..]) = plan.operations().get(at..) {
        let (kind, count) = match (first, rest) {
            (Conv(widen), [Conv(depthwise), Conv(project), ..])
                if Block::fits([widen, depthwise, project], Value::before(at))? =>
            {
                (StepKind::Block(Block::new([widen, depthwise, project], input)?), 3)
            }
            (Conv(layer), _) => (alone(layer)?, 1),
            (Pool, _) => (StepKind::Pool, 1),
        };
        at += count;
        let output = maps.get(at - 1).copied().unwrap_or(input);
        steps.push(Step { kind, input, output });
        input = output;
    }
    Ok(steps)
}

/// The step of a convolution that is in no block.
fn alone(layer: &Convolution) -> Result<StepKind> {
    match Kind::of(layer)? {
        Kind::Stem => Ok(StepKind::Stem(Packed::new(layer)?)),
        Kind::Pointwise if layer.relu6 => Ok(StepKind::Pointwise(Packed::new(layer)?)),
        _ => Err(Error::Internal { reason: "no kernel runs this convolution outside a block".into() }),
    }
}

impl Buffers {
    /// Copies an image into its padded place.
    fn pad(&mut self, image: &[f32], side: usize) {
        let row = (side + 1) * 3;
        self.image.resize(row * (side + 1), 0.0);
        for (from, to) in image.chunks_exact(side * 3).zip(self.image.chunks_exact_mut(row).skip(1)) {
            if let Some(to) = to.get_mut(3..) {
                to.copy_from_slice(from);
            }
        }
    }

    /// Runs a step from `input` to `output`, which becomes the next `input`.
    fn run(&mut self, step: &Step, images: usize) -> Result<()> {
        let Step { kind, input, output } = step;
        self.output.resize(images * output.len(), 0.0);
        let [panel_in, panel_out] = [input, output].map(|map| images * map.pixels() * PANEL);
        match kind {
            StepKind::Stem(weights) => {
                for (panel, out) in weights.panels().zip(self.output.chunks_exact_mut(panel_out)) {
                    layer::stem(&self.image, input.side, panel, 0..output.side, out)?;
                }
            }
            StepKind::Pointwise(weights) => {
                let from = Panels { values: &self.input, stride: panel_in };
                let mut to = PanelsMut { values: &mut self.output, stride: panel_out };
                layer::pointwise(from, 0..images * input.pixels(), weights, Activation::Relu6, &mut to)?;
            }
            StepKind::Block(block) => {
                let source = Source { image: &self.image, map: &self.input, images };
                block.run(source, &mut self.scratch, &mut self.output)?;
            }
            StepKind::Pool => {
                let maps = self.input.chunks_exact(input.pixels() * PANEL);
                for (map, out) in maps.zip(self.output.chunks_exact_mut(PANEL)) {
                    out.copy_from_slice(&kernel::pool(map));
                }
            }
        }
        std::mem::swap(&mut self.input, &mut self.output);
        Ok(())
    }

    /// Makes the gathered maps the next `input`.
    fn take_group(&mut self) {
        std::mem::swap(&mut self.input, &mut self.group);
    }

    /// Copies the map of one image to its place in a group of `count`.
    fn gather(&mut self, map: Map, index: usize, count: usize) {
        self.group.resize(count * map.len(), 0.0);
        let panel = map.pixels() * PANEL;
        for (from, to) in self.input.chunks_exact(panel).zip(self.group.chunks_exact_mut(count * panel)) {
            if let Some(to) = to.chunks_exact_mut(panel).nth(index) {
                to.copy_from_slice(from);
            }
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
    use burn::tensor::{Device, Tensor};
    use pollster::block_on;

    use super::*;
    use crate::backbone::{Backbone, sample};
    use crate::weights::Tensors;

    fn backbone(seed: u64) -> Backbone {
        Backbone::load(Tensors::read(&sample::weights(seed, |_| ())).unwrap(), &Device::flex()).unwrap()
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
        let plan = block_on(backbone.lower(backbone.len())).unwrap();
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
            let prefix = CpuPrefix::compile(&block_on(backbone.lower(cut)).unwrap(), 64).unwrap();
            let difference = difference(&prefix.run(&interleaved(&images)).unwrap(), &expected);
            assert!(difference < 1e-4, "cut {cut}: {difference}");
        }
    }

    #[test]
    fn an_image_gives_the_same_features_alone_and_in_a_batch_and_twice() {
        let backbone = backbone(3);
        let plan = block_on(backbone.lower(backbone.len())).unwrap();
        let images = interleaved(&sample::image(7, 64, &Device::flex()));
        let prefix = CpuPrefix::compile(&plan, 64).unwrap();
        let together = prefix.run(&images).unwrap();
        let alone: Vec<f32> =
            images.chunks(64 * 64 * 3).flat_map(|image| prefix.run(image).unwrap()).collect();
        assert_eq!(together, alone);
        assert_eq!(together, prefix.run(&images).unwrap());
    }

    #[test]
    fn a_part_of_an_image_is_refused() {
        let backbone = backbone(4);
        let prefix = CpuPrefix::compile(&block_on(backbone.lower(3)).unwrap(), 32).unwrap();
        assert_eq!(prefix.run(&[0.0; 32 * 32 * 3 - 1]).unwrap_err().code(), "INTERNAL");
    }
}
