//! A plan laid out for the device: which kernel computes each map, where its weights and maps lie.

use super::kernel::Kernel;
use super::tiles::Tiles;
use crate::error::{Error, Result};
use crate::prefix::activation::Activation;
use crate::prefix::operation::{Convolution, Dense, MaxPool, Operation, SqueezeExcite, Value};
use crate::prefix::plan::{Map, Plan};

/// Bytes from a layer's shape to the next: what every device can begin a uniform at.
pub const SHAPE_BYTES: usize = 256;

/// One dispatch.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    /// What computes it.
    pub kernel: Kernel,
    /// Workgroups for an image.
    pub workgroups: u32,
    /// Slot that it reads; none where it reads the image.
    pub input: Option<usize>,
    /// Slot that it writes.
    pub output: usize,
    /// Slot of what is added, or multiplied.
    pub added: Option<usize>,
}

/// Layers in order and the numbers that they need.
#[derive(Debug)]
pub struct Program {
    /// The layers.
    pub layers: Vec<Layer>,
    /// The shape of each layer, as `layer.wgsl` has it, `SHAPE_BYTES` each.
    pub shapes: Vec<u8>,
    /// Mean and inverse deviation of the image, then weights and bias of every layer.
    pub weights: Vec<f32>,
    /// Numbers that each slot holds for an image.
    pub slots: Vec<usize>,
    /// The map that an image gives.
    pub output: Map,
}

impl Program {
    /// Lays a plan out for square images of `side` pixels that are normalised by this mean and deviation.
    ///
    /// # Errors
    /// `WEBGPU_UNAVAILABLE` where the plan has an operation that there is no kernel for.
    pub fn new(plan: &Plan, side: usize, [mean, std]: [[f32; 3]; 2], tiles: &Tiles) -> Result<Self> {
        let weights = mean.into_iter().chain([0.0]).chain(std.map(|std| 1.0 / std)).chain([0.0]).collect();
        let image = Map { channels: 4, side };
        let mut draft = Draft {
            tiles,
            weights,
            shapes: Vec::new(),
            maps: vec![image],
            results: vec![0],
            steps: Vec::new(),
        };
        for (operation, map) in plan.operations().iter().zip(plan.maps(side)) {
            draft.operation(operation, map).ok_or_else(without_kernel)?;
        }
        let (places, slots) = draft.places();
        let place = |value: usize| places.get(value).copied().flatten();
        let layer = |step: &Step| Layer {
            kernel: step.kernel,
            workgroups: step.workgroups,
            input: place(step.input),
            output: place(step.output).unwrap_or_default(),
            added: step.added.and_then(place),
        };
        Ok(Self {
            layers: draft.steps.iter().map(layer).collect(),
            output: draft.steps.last().and_then(|step| draft.maps.get(step.output).copied()).unwrap_or(image),
            shapes: draft.shapes,
            weights: draft.weights,
            slots,
        })
    }
}

/// One dispatch, with values in place of slots.
#[derive(Debug)]
struct Step {
    kernel: Kernel,
    workgroups: u32,
    input: usize,
    output: usize,
    added: Option<usize>,
}

/// What a layer needs beside its maps.
#[derive(Debug, Default)]
struct Numbers {
    /// Where weights and bias begin, in vectors.
    weight: usize,
    bias: usize,
    /// Side, step and padding of a window.
    window: [usize; 3],
    /// Channels before those that are written.
    first: usize,
}

/// A program in the making. Its values are the image's bytes, as 0, and what each step writes.
struct Draft<'a> {
    tiles: &'a Tiles,
    weights: Vec<f32>,
    shapes: Vec<u8>,
    /// The map of each value.
    maps: Vec<Map>,
    /// The value of the plan's image and of each of its operations.
    results: Vec<usize>,
    steps: Vec<Step>,
}

impl Draft<'_> {
    /// Appends the steps of an operation; none where there is no kernel for it.
    fn operation(&mut self, operation: &Operation, map: Map) -> Option<()> {
        let result = match operation {
            Operation::Convolution(layer) => self.convolution(layer, map)?,
            Operation::SqueezeExcite(block) => self.squeeze_excite(block)?,
            Operation::MaxPool(pool) => self.max_pool(pool, map)?,
            Operation::Join([first, second]) => {
                let (output, [first, second]) =
                    (self.value(map), [self.result(*first)?, self.result(*second)?]);
                let before = self.maps.get(first)?.channels;
                self.step(Kernel::Join, [first, output], None, Numbers::default());
                self.step(
                    Kernel::Join,
                    [second, output],
                    None,
                    Numbers { first: before, ..Numbers::default() },
                );
                output
            }
            Operation::Pool(from) => {
                let (input, output) = (self.result(*from)?, self.value(map));
                self.step(Kernel::Pool, [input, output], None, Numbers::default());
                output
            }
        };
        // A vector holds four channels.
        map.channels.is_multiple_of(4).then(|| self.results.push(result))
    }

    fn convolution(&mut self, layer: &Convolution, map: Map) -> Option<usize> {
        let mut input = self.result(layer.from)?;
        let added = layer.add.map(|value| self.result(value));
        let mut kernel = self.tiles.kernel(layer, [*self.maps.get(input)?, map], input == 0);
        let mut channels = layer.input / layer.groups;
        if input == 0 && kernel.is_none() {
            input = self.image();
            channels = 4;
            kernel = self.tiles.kernel(layer, [*self.maps.get(input)?, map], false);
        }
        let area = layer.kernel * layer.kernel;
        let (weight, before) = (
            self.weights.len(),
            layer.padding.apply(self.maps.get(input)?.side, layer.kernel, layer.stride).0,
        );
        // `[output][channel][place]` -> `[place][channel][output]`
        for place in 0..area {
            for channel in 0..channels {
                match channel * layer.groups < layer.input {
                    true => self.weights.extend(
                        layer
                            .weight
                            .iter()
                            .skip(channel * area + place)
                            .step_by(layer.input / layer.groups * area),
                    ),
                    false => self.weights.extend(std::iter::repeat_n(0.0, layer.output)),
                }
            }
        }
        let bias = self.weights.len();
        self.weights.extend(&layer.bias);
        let window = [layer.kernel, layer.stride, before];
        let numbers = Numbers { weight: weight / 4, bias: bias / 4, window, first: 0 };
        let (kernel, added) = (kernel?, added.map_or(Some(None), |added| added.map(Some))?);
        let output = self.value(map);
        self.step(kernel, [input, output], added, numbers);
        Some(output)
    }

    fn squeeze_excite(&mut self, block: &SqueezeExcite) -> Option<usize> {
        let input = self.result(block.from)?;
        let map = *self.maps.get(input)?;
        let mean = self.value(Map { side: 1, ..map });
        self.step(Kernel::Pool, [input, mean], None, Numbers::default());
        let squeezed = self.dense(&block.reduce, mean, block.activation)?;
        let gate = self.dense(&block.expand, squeezed, block.gate)?;
        let output = self.value(map);
        self.step(Kernel::Scale, [input, output], Some(gate), Numbers::default());
        Some(output)
    }

    /// A fully connected layer on a pooled value, filled up to whole vectors with zeros.
    fn dense(&mut self, layer: &Dense, input: usize, activation: Activation) -> Option<usize> {
        let inputs = layer.weight.len() / layer.bias.len().max(1);
        let (rows, outputs) = (self.maps.get(input)?.channels, layer.bias.len().next_multiple_of(4));
        let weight = self.weights.len();
        let padding = std::iter::repeat_n(0.0, outputs - layer.bias.len());
        for row in 0..rows {
            match row < inputs {
                true => self
                    .weights
                    .extend(layer.weight.iter().skip(row).step_by(inputs).copied().chain(padding.clone())),
                false => self.weights.extend(std::iter::repeat_n(0.0, outputs)),
            }
        }
        let bias = self.weights.len();
        self.weights.extend(layer.bias.iter().copied().chain(padding));
        let map = Map { channels: outputs, side: 1 };
        let output = self.value(map);
        let numbers = Numbers { weight: weight / 4, bias: bias / 4, ..Numbers::default() };
        self.step(self.tiles.pointwise(map, activation), [input, output], None, numbers);
        Some(output)
    }

    fn max_pool(&mut self, pool: &MaxPool, map: Map) -> Option<usize> {
        let (input, output) = (self.result(pool.from).filter(|value| *value > 0)?, self.value(map));
        let window = [pool.kernel, pool.stride, pool.padding];
        self.step(Kernel::MaxPool, [input, output], None, Numbers { window, ..Numbers::default() });
        Some(output)
    }

    /// The image in numbers.
    fn image(&mut self) -> usize {
        let output = self.value(self.maps.first().copied().unwrap_or(Map { channels: 4, side: 0 }));
        self.step(Kernel::Image, [0, output], None, Numbers::default());
        output
    }

    fn result(&self, value: Value) -> Option<usize> {
        self.results.get(value.index()).copied()
    }

    /// A new value.
    fn value(&mut self, map: Map) -> usize {
        self.maps.push(map);
        self.maps.len() - 1
    }

    /// Appends a dispatch and its shape.
    fn step(&mut self, kernel: Kernel, [input, output]: [usize; 2], added: Option<usize>, numbers: Numbers) {
        let map = |value: usize| self.maps.get(value).copied().unwrap_or(Map { channels: 0, side: 0 });
        let maps = [map(input), map(output)];
        let Numbers { weight, bias, window: [side, stride, padding], first } = numbers;
        let [inputs, outputs] = maps.map(|map| map.channels / 4);
        let adds = usize::from(added.is_some());
        let shape = [
            maps[0].side,
            maps[1].side,
            inputs,
            outputs,
            weight,
            bias,
            adds,
            side,
            stride,
            padding,
            first / 4,
            0,
        ];
        let start = self.shapes.len();
        self.shapes.extend(shape.iter().flat_map(|number| (*number as u32).to_le_bytes()));
        self.shapes.resize(start + SHAPE_BYTES, 0);
        let workgroups = kernel.invocations(maps).div_ceil(self.tiles.workgroup as usize) as u32;
        self.steps.push(Step { kernel, workgroups, input, output, added });
    }

    /// The slot of every value, none for the image's bytes, and the size of every slot. A slot is free for a new value once
    /// the last step that reads or writes its old one has run.
    fn places(&self) -> (Vec<Option<usize>>, Vec<usize>) {
        let mut last_use = vec![0; self.maps.len()];
        for (index, step) in self.steps.iter().enumerate() {
            for value in [Some(step.input), Some(step.output), step.added].into_iter().flatten() {
                if let Some(last) = last_use.get_mut(value) {
                    *last = index;
                }
            }
        }
        let mut places: Vec<Option<usize>> = vec![None; self.maps.len()];
        // The size of a slot and the step that uses its value last.
        let mut slots: Vec<(usize, usize)> = Vec::new();
        for (index, Step { output, .. }) in self.steps.iter().enumerate() {
            let (Some(place), Some(map), Some(&last)) =
                (places.get_mut(*output), self.maps.get(*output), last_use.get(*output))
            else {
                continue;
            };
            if place.is_some() {
                continue;
            }
            let free = slots.iter().enumerate().filter(|(_, (_, used))| *used < index);
            let slot = free.max_by_key(|(_, (size, _))| *size).map_or(slots.len(), |(slot, _)| slot);
            match slots.get_mut(slot) {
                Some(old) => *old = (old.0.max(map.len()), last),
                None => slots.push((map.len(), last)),
            }
            *place = Some(slot);
        }
        (places, slots.into_iter().map(|(size, _)| size).collect())
    }
}

fn without_kernel() -> Error {
    Error::WebgpuUnavailable {
        reason: "this backbone has layers that only the processor computes; use the device `cpu` or `auto`"
            .into(),
    }
}
