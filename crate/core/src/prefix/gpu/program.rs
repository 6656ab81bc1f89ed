//! A plan laid out for the device: which kernel computes each map, where its weights and maps lie.

use super::kernel::Kernel;
use super::tiles::Tiles;
use crate::error::{Error, Result};
use crate::prefix::packed::Kind;
use crate::prefix::plan::{Convolution, Map, Operation, Plan};

/// Bytes from a layer's shape to the next: what every device can begin a uniform at.
pub const SHAPE_BYTES: usize = 256;

/// What results are clamped to: with ReLU6, and without.
const RELU6: [f32; 2] = [0.0, 6.0];
const LINEAR: [f32; 2] = [f32::MIN, f32::MAX];

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
    /// Slot that is added.
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
    /// `INTERNAL` where the plan has an operation without a kernel.
    pub fn new(plan: &Plan, side: usize, [mean, std]: [[f32; 3]; 2], tiles: &Tiles) -> Result<Self> {
        let image = Map { channels: 3, side };
        let maps: Vec<Map> = std::iter::once(image).chain(plan.maps(side)).collect();
        let (places, slots) = places(plan, &maps);
        let mut program = Self {
            layers: Vec::new(),
            shapes: Vec::new(),
            weights: mean.into_iter().chain([0.0]).chain(std.map(|std| 1.0 / std)).chain([0.0]).collect(),
            slots,
            output: maps.last().copied().unwrap_or(image),
        };
        for ((operation, map), place) in plan.operations().iter().zip(maps.windows(2)).zip(places.windows(2))
        {
            let (&[input, output], &[from, to]) = (map, place) else { continue };
            let kernel = match operation {
                Operation::Convolution(layer) => {
                    let kind = Kind::of(layer)?;
                    program.convolution(kind, layer, [input, output]);
                    tiles.kernel(kind, layer, output)
                }
                Operation::Pool => {
                    program.shape([input, output], [0; 3], LINEAR);
                    Kernel::Pool
                }
            };
            // A stem takes three channels and all others a multiple of eight, so that nothing else fits the image.
            if from.is_none() != matches!(kernel, Kernel::Stem { .. }) {
                return Err(Error::Internal { reason: "a frozen prefix begins with a stem".into() });
            }
            let added = match operation {
                Operation::Convolution(Convolution { add: Some(value), .. }) => {
                    places.get(value.index()).copied().flatten()
                }
                _ => None,
            };
            program.layers.push(Layer {
                kernel,
                workgroups: kernel.invocations(output).div_ceil(tiles.workgroup as usize) as u32,
                input: from,
                output: to.unwrap_or_default(),
                added,
            });
        }
        Ok(program)
    }

    /// Appends a convolution's weights, its bias and its shape.
    fn convolution(&mut self, kind: Kind, layer: &Convolution, maps: [Map; 2]) {
        let taps = kind.taps(layer);
        let weight = self.weights.len();
        // `[output, taps]` -> `[taps, output]`
        let rows = taps.iter().flat_map(|tap| layer.weight.iter().skip(*tap).step_by(taps.len()));
        self.weights.extend(rows);
        let bias = self.weights.len();
        self.weights.extend(&layer.bias);
        let range = if layer.relu6 { RELU6 } else { LINEAR };
        self.shape(maps, [weight / 4, bias / 4, usize::from(layer.add.is_some())], range);
    }

    /// Appends a shape: where weights and bias begin, in vectors, and whether another map is added.
    fn shape(&mut self, [input, output]: [Map; 2], [weight, bias, adds]: [usize; 3], range: [f32; 2]) {
        let (inputs, outputs) = (input.channels / 4, output.channels / 4);
        let numbers = [input.side, output.side, inputs, outputs, weight, bias, adds, 0];
        let start = self.shapes.len();
        self.shapes.extend(numbers.iter().flat_map(|number| (*number as u32).to_le_bytes()));
        self.shapes.extend(range.iter().flat_map(|limit| [*limit; 4]).flat_map(f32::to_le_bytes));
        self.shapes.resize(start + SHAPE_BYTES, 0);
    }
}

/// The slot of every value, none for the image, and the size of every slot. A slot is free for a new value once the last
/// operation that reads its old one has run.
fn places(plan: &Plan, maps: &[Map]) -> (Vec<Option<usize>>, Vec<usize>) {
    // The operation that reads a value last; the plan's result is read by none, and read in the end.
    let mut last_use: Vec<usize> = (0..maps.len()).collect();
    for (index, operation) in plan.operations().iter().enumerate() {
        if let Operation::Convolution(Convolution { add: Some(value), .. }) = operation
            && let Some(last) = last_use.get_mut(value.index())
        {
            *last = index;
        }
    }
    let mut places = vec![None];
    // The size of a slot and the operation that reads its value last.
    let mut slots: Vec<(usize, usize)> = Vec::new();
    for (operation, (map, last)) in maps.iter().zip(last_use).skip(1).enumerate() {
        let free = slots.iter().enumerate().filter(|(_, (_, read))| *read < operation);
        let slot = free.max_by_key(|(_, (size, _))| *size).map_or(slots.len(), |(slot, _)| slot);
        match slots.get_mut(slot) {
            Some(old) => *old = (old.0.max(map.len()), last),
            None => slots.push((map.len(), last)),
        }
        places.push(Some(slot));
    }
    (places, slots.into_iter().map(|(size, _)| size).collect())
}
