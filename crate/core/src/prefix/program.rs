//! A plan cut into the steps that run together, each with the places where it reads and writes.

use super::activation::Activation;
use super::block::{self, Block};
use super::full::{self, Full};
use super::layer::{self, Panels, PanelsMut};
use super::matrix::Matrix;
use super::operation::{Convolution, MaxPool, Operation, SqueezeExcite, Value};
use super::packed::{Kind, Packed};
use super::plan::{Map, Plan};
use super::separate::Separate;
use super::whole;
use crate::error::{Error, Result};
use crate::kernel::integer::{Rounding, Sign};
use crate::kernel::{self, Arithmetic, PANEL};

/// Operations that run together.
#[derive(Debug)]
pub struct Step {
    kind: StepKind,
    /// What it reads, its input first.
    pub reads: Vec<Value>,
    /// What it gives.
    pub writes: Value,
    /// The map of its input.
    pub input: Map,
    /// The map that it gives.
    pub output: Map,
}

#[derive(Debug)]
enum StepKind {
    Stem(Packed),
    Pointwise(Matrix, Activation),
    Block(Box<Block>),
    Full(Full),
    Separate(Separate),
    SqueezeExcite(SqueezeExcite),
    MaxPool(MaxPool),
    Join,
    Pool,
}

/// An image as steps read it.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// `[height][width][3]`.
    pub plain: &'a [f32],
    /// The same with a zero row above and a zero pixel before each row.
    pub padded: &'a [f32],
}

/// Memory that steps use one after the other.
#[derive(Debug, Default)]
pub struct Work {
    block: block::Scratch,
    full: full::Scratch,
    rounding: Rounding,
    /// What [`Separate`] surrounds.
    surrounded: Vec<f32>,
}

/// Puts the operations of a plan together to steps for square images of `side` pixels, which multiply in these numbers.
///
/// # Errors
/// `OPTION_INVALID` where the image is too small; `INTERNAL` where an operation has no kernel.
pub fn steps(plan: &Plan, side: usize, arithmetic: Arithmetic) -> Result<Vec<Step>> {
    let mut maps = vec![Map { channels: 3, side }];
    maps.extend(plan.checked_maps(side)?);
    let map = |value: Value| maps.get(value.0).copied().unwrap_or(Map { channels: 0, side: 0 });
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(rest @ [first, ..]) = plan.operations().get(at..) {
        let reads = first.reads();
        let input = map(reads.first().copied().unwrap_or(Value::IMAGE));
        let (kind, count) = match block_at(plan, at, input, arithmetic) {
            Some(block) => (StepKind::Block(Box::new(block)), 3),
            None => (alone(first, input, arithmetic)?, 1),
        };
        let writes = Value::of(at + count - 1);
        debug_assert!(rest.len() >= count);
        steps.push(Step { kind, reads, writes, input, output: map(writes) });
        at += count;
    }
    Ok(steps)
}

/// The block that three operations make, where what is between them is read by nothing else.
fn block_at(plan: &Plan, at: usize, input: Map, arithmetic: Arithmetic) -> Option<Block> {
    use Operation::Convolution as Conv;
    let (before, [Conv(widen), Conv(depthwise), Conv(project), rest @ ..]) =
        plan.operations().split_at_checked(at)?
    else {
        return None;
    };
    let inner = [Value::of(before.len()), Value::of(before.len() + 1)];
    let chained = [depthwise.from, project.from] == inner
        && !rest.iter().any(|operation| operation.reads().iter().any(|value| inner.contains(value)));
    if chained { Block::new([widen, depthwise, project], input, arithmetic) } else { None }
}

/// The step of an operation that is in no block.
fn alone(operation: &Operation, input: Map, arithmetic: Arithmetic) -> Result<StepKind> {
    Ok(match operation {
        Operation::Convolution(layer) => convolution(layer, input, arithmetic)?,
        Operation::SqueezeExcite(block) => StepKind::SqueezeExcite(block.clone()),
        Operation::MaxPool(pool) => StepKind::MaxPool(*pool),
        Operation::Join(_) => StepKind::Join,
        Operation::Pool(_) => StepKind::Pool,
    })
}

fn convolution(layer: &Convolution, input: Map, arithmetic: Arithmetic) -> Result<StepKind> {
    let Some(kind) = Kind::of(layer, input.side) else {
        return Err(Error::Internal {
            reason: format!(
                "no kernel for a {0}x{0} convolution of {1} to {2} channels at stride {3} in {4} groups",
                layer.kernel, layer.input, layer.output, layer.stride, layer.groups
            ),
        });
    };
    Ok(match kind {
        Kind::Stem => StepKind::Stem(Packed::new(layer, kind)),
        Kind::Pointwise => {
            StepKind::Pointwise(Matrix::new(layer, kind, arithmetic, Sign::Any), layer.activation)
        }
        Kind::Full => StepKind::Full(Full::new(layer, input, arithmetic)),
        Kind::Depthwise | Kind::Separate => StepKind::Separate(Separate::new(layer, input)),
    })
}

impl Step {
    /// Whether it takes the mean over the image.
    pub fn is_pool(&self) -> bool {
        matches!(self.kind, StepKind::Pool)
    }

    /// Runs the step on maps `[panels][images][pixels][8]`: `inputs` are what it reads, empty for the image, of which there
    /// is then one.
    ///
    /// # Errors
    /// `INTERNAL` where a map is too small.
    pub fn run(
        &self,
        image: Image<'_>,
        inputs: &[&[f32]],
        images: usize,
        work: &mut Work,
        out: &mut [f32],
    ) -> Result<()> {
        let map = inputs.first().copied().unwrap_or_default();
        let second = inputs.get(1).copied();
        let [panel_in, panel_out] = [self.input, self.output].map(|map| images * map.pixels() * PANEL);
        match &self.kind {
            StepKind::Stem(weights) => {
                for (panel, out) in weights.panels().zip(out.chunks_exact_mut(panel_out)) {
                    layer::stem(image.padded, self.input.side, panel, 0..self.output.side, out)?;
                }
            }
            StepKind::Pointwise(weights, activation) => {
                let from = Panels { values: map, stride: panel_in };
                let add = second.map(|values| Panels { values, stride: panel_out });
                let mut to = PanelsMut { values: out, stride: panel_out };
                let pixels = images * self.input.pixels();
                let from = weights.input(from, 0..pixels, &mut work.rounding)?;
                layer::pointwise(from, pixels, weights, add, *activation, &mut to)?;
            }
            StepKind::Block(block) => {
                block.run(block::Source { image: image.padded, map, images }, &mut work.block, out)?;
            }
            StepKind::Full(layer) => {
                let from_image = self.reads.first() == Some(&Value::IMAGE);
                let source = if from_image {
                    full::Source::Image(image.plain)
                } else {
                    full::Source::Maps(map, images)
                };
                layer.run(source, second, &mut work.full, out)?;
            }
            StepKind::Separate(layer) => layer.run(map, images, &mut work.surrounded, out),
            StepKind::SqueezeExcite(block) => whole::squeeze_excite(block, self.input, images, map, out),
            StepKind::MaxPool(pool) => whole::max_pool(pool, [self.input, self.output], map, out),
            StepKind::Join => {
                let both = map.iter().chain(second.unwrap_or_default());
                out.iter_mut().zip(both).for_each(|(out, value)| *out = *value);
            }
            StepKind::Pool => {
                let maps = map.chunks_exact(self.input.pixels() * PANEL);
                for (map, out) in maps.zip(out.chunks_exact_mut(PANEL)) {
                    out.copy_from_slice(&kernel::pool(map));
                }
            }
        }
        Ok(())
    }
}

impl<'a> Image<'a> {
    /// The image `[side, side, 3]`, padded in memory that is used again.
    pub fn new(plain: &'a [f32], side: usize, padded: &'a mut Vec<f32>) -> Self {
        let row = (side + 1) * 3;
        padded.resize(row * (side + 1), 0.0);
        for (from, to) in plain.chunks_exact(side * 3).zip(padded.chunks_exact_mut(row).skip(1)) {
            if let Some(to) = to.get_mut(3..) {
                to.copy_from_slice(from);
            }
        }
        Self { plain, padded }
    }
}
