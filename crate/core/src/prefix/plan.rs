//! A frozen prefix as a flat list of operations: what is computed, not how.

use super::operation::{Convolution, Dense, MaxPool, Operation, SqueezeExcite, Value};
use crate::error::{Error, Result};

/// Channels and side of a square map; side 1 once pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// Channels.
    pub channels: usize,
    /// Height and width.
    pub side: usize,
}

impl Map {
    /// How many numbers the map has.
    pub fn len(self) -> usize {
        self.channels * self.pixels()
    }

    /// Whether the map has no numbers.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Height times width.
    pub fn pixels(self) -> usize {
        self.side * self.side
    }
}

/// Operations in the order in which they run, with weights into which norms are folded.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Channels of the image and of each operation's result.
    channels: Vec<usize>,
    operations: Vec<Operation>,
    /// The result of each stage.
    stages: Vec<Value>,
}

impl Plan {
    /// An empty plan for images of this many channels.
    pub fn new(channels: usize) -> Self {
        Self { channels: vec![channels], operations: Vec::new(), stages: Vec::new() }
    }

    /// The operations, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The result of the last operation, or the image.
    pub fn last(&self) -> Value {
        Value(self.operations.len())
    }

    /// Appends a convolution.
    ///
    /// # Errors
    /// `INTERNAL` where channels, weights or the added value do not fit.
    pub fn convolution(&mut self, layer: Convolution) -> Result<Value> {
        let groups = layer.groups.max(1);
        let weights = layer.output * (layer.input / groups) * layer.kernel * layer.kernel;
        let fits = self.channels(layer.from) == Some(layer.input)
            && layer.input.is_multiple_of(groups)
            && layer.output.is_multiple_of(groups)
            && layer.weight.len() == weights
            && layer.bias.len() == layer.output
            && layer.stride > 0
            && layer.add.is_none_or(|value| self.channels(value) == Some(layer.output));
        let output = layer.output;
        self.push(Operation::Convolution(layer), fits.then_some(output))
    }

    /// Appends squeeze and excite.
    ///
    /// # Errors
    /// `INTERNAL` where channels or weights do not fit.
    pub fn squeeze_excite(&mut self, block: SqueezeExcite) -> Result<Value> {
        let squeezed = block.reduce.bias.len();
        let channels = self.channels(block.from);
        let fits = |layer: &Dense, input| layer.weight.len() == input * layer.bias.len();
        let all = channels == Some(block.expand.bias.len())
            && channels.is_some_and(|channels| fits(&block.reduce, channels))
            && fits(&block.expand, squeezed);
        self.push(Operation::SqueezeExcite(block), channels.filter(|_| all))
    }

    /// Appends a max pooling.
    ///
    /// # Errors
    /// `INTERNAL` where the value is not there or the windows make no sense.
    pub fn max_pool(&mut self, pool: MaxPool) -> Result<Value> {
        let fits = pool.stride > 0 && pool.kernel > pool.padding;
        let channels = self.channels(pool.from).filter(|_| fits);
        self.push(Operation::MaxPool(pool), channels)
    }

    /// Appends the channels of one value and then those of another.
    ///
    /// # Errors
    /// `INTERNAL` where a value is not there.
    pub fn join(&mut self, [first, second]: [Value; 2]) -> Result<Value> {
        let channels = self.channels(first).zip(self.channels(second)).map(|(a, b)| a + b);
        self.push(Operation::Join([first, second]), channels)
    }

    /// Appends the mean over the image.
    ///
    /// # Errors
    /// `INTERNAL` where nothing is there to pool.
    pub fn pool(&mut self) -> Result<Value> {
        let from = self.last();
        let channels = self.channels(from).filter(|_| from != Value::IMAGE);
        self.push(Operation::Pool(from), channels)
    }

    /// The map that each operation gives for a square image of this side; empty ones where the image is too small.
    pub fn maps(&self, side: usize) -> Vec<Map> {
        let mut sides = vec![side];
        for operation in &self.operations {
            let [from, ..] = operation.reads()[..] else { continue };
            let side = sides.get(from.0).copied().unwrap_or(0);
            sides.push(match operation {
                Operation::Convolution(layer) => layer.padding.apply(side, layer.kernel, layer.stride).1,
                Operation::MaxPool(pool) => pool.rows(side),
                Operation::SqueezeExcite(_) | Operation::Join(_) => side,
                Operation::Pool(_) => side.min(1),
            });
        }
        let maps = self.channels.iter().zip(sides).map(|(&channels, side)| Map { channels, side });
        maps.skip(1).collect()
    }

    /// The same.
    ///
    /// # Errors
    /// `OPTION_INVALID` where the image is too small.
    pub fn checked_maps(&self, side: usize) -> Result<Vec<Map>> {
        let maps = self.maps(side);
        if side > 0 && !maps.iter().any(|map| map.is_empty()) {
            return Ok(maps);
        }
        Err(Error::OptionInvalid {
            option: "inputSize".into(),
            found: side.to_string(),
            expected: "a larger size: the backbone's last maps would be empty".into(),
        })
    }

    /// Says that the last operation ends a stage.
    pub fn end_stage(&mut self) {
        self.stages.push(self.last());
    }

    /// The map at each cut for a square image of this side: the image itself, then what each stage gives.
    pub fn cuts(&self, side: usize) -> Vec<Map> {
        let image = Map { channels: self.channels.first().copied().unwrap_or(0), side };
        let maps = self.maps(side);
        let of = |value: &Value| value.0.checked_sub(1).and_then(|at| maps.get(at).copied()).unwrap_or(image);
        std::iter::once(image).chain(self.stages.iter().map(of)).collect()
    }

    /// Multiply-adds of one square image of this side, those of convolutions and of squeeze and excite.
    pub fn multiply_adds(&self, side: usize) -> usize {
        self.sums(side).iter().sum()
    }

    /// The same of each stage.
    pub fn stage_multiply_adds(&self, side: usize) -> Vec<usize> {
        let sums = self.sums(side);
        let begins = std::iter::once(0).chain(self.stages.iter().map(|end| end.0));
        let of = |(begin, end): (usize, &Value)| sums.get(begin..end.0).unwrap_or_default().iter().sum();
        begins.zip(&self.stages).map(of).collect()
    }

    /// Multiply-adds of each operation.
    fn sums(&self, side: usize) -> Vec<usize> {
        let sums = |(operation, map): (&Operation, Map)| match operation {
            Operation::Convolution(layer) => layer.weight.len() * map.pixels(),
            Operation::SqueezeExcite(block) => block.reduce.weight.len() + block.expand.weight.len(),
            Operation::MaxPool(_) | Operation::Join(_) | Operation::Pool(_) => 0,
        };
        self.operations.iter().zip(self.maps(side)).map(sums).collect()
    }

    /// Appends an operation whose result has so many channels; none where it does not fit.
    fn push(&mut self, operation: Operation, channels: Option<usize>) -> Result<Value> {
        let Some(channels) = channels else {
            return Err(Error::Internal { reason: "an operation does not fit the plan".into() });
        };
        self.operations.push(operation);
        self.channels.push(channels);
        Ok(self.last())
    }

    fn channels(&self, value: Value) -> Option<usize> {
        self.channels.get(value.0).copied()
    }
}
