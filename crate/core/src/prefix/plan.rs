//! A frozen prefix as a flat list of operations: what is computed, not how.

use crate::error::{Error, Result};

/// The result of an operation, or the image that goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value(usize);

impl Value {
    /// The value that the operation of this index reads.
    pub fn before(operation: usize) -> Self {
        Self(operation)
    }

    /// Index of the operation that reads it; zero for the image.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A convolution of the value before it, with all that is done to its result before it is stored.
#[derive(Debug, Clone)]
pub struct Convolution {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the kernel; the padding is half of it, rounded down.
    pub kernel: usize,
    /// Step of the kernel in both directions.
    pub stride: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// `[output, input / groups, kernel, kernel]`.
    pub weight: Vec<f32>,
    /// `[output]`.
    pub bias: Vec<f32>,
    /// Whether the result is clamped to 0..=6.
    pub relu6: bool,
    /// What is added to the result at the end.
    pub add: Option<Value>,
}

/// One operation of a plan; each reads the value before it.
#[derive(Debug, Clone)]
pub enum Operation {
    /// A convolution.
    Convolution(Convolution),
    /// The mean over the image, for each channel.
    Pool,
}

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
    channels: usize,
    operations: Vec<Operation>,
    /// The last value of each stage.
    stages: Vec<Value>,
}

impl Plan {
    /// An empty plan for images of this many channels.
    pub fn new(channels: usize) -> Self {
        Self { channels, operations: Vec::new(), stages: Vec::new() }
    }

    /// The operations, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The value that the next operation reads.
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
        let added =
            layer.add.map(|value| value.0 <= self.operations.len() && self.channels(value) == layer.output);
        let fits = layer.input == self.channels(self.last())
            && layer.input.is_multiple_of(groups)
            && layer.output.is_multiple_of(groups)
            && layer.weight.len() == weights
            && layer.bias.len() == layer.output
            && layer.stride > 0
            && added != Some(false);
        if !fits {
            return Err(Error::Internal { reason: "a convolution does not fit the plan".into() });
        }
        self.operations.push(Operation::Convolution(layer));
        Ok(self.last())
    }

    /// Appends the mean over the image.
    ///
    /// # Errors
    /// `INTERNAL` where nothing is there to pool.
    pub fn pool(&mut self) -> Result<Value> {
        if self.operations.is_empty() {
            return Err(Error::Internal { reason: "a plan cannot begin with a pooling".into() });
        }
        self.operations.push(Operation::Pool);
        Ok(self.last())
    }

    /// The map that each operation gives for a square image of this side.
    pub fn maps(&self, side: usize) -> Vec<Map> {
        let mut map = Map { channels: self.channels, side };
        let step = |operation: &Operation| {
            map = match operation {
                Operation::Convolution(layer) => {
                    Map { channels: layer.output, side: map.side.div_ceil(layer.stride) }
                }
                Operation::Pool => Map { side: 1, ..map },
            };
            map
        };
        self.operations.iter().map(step).collect()
    }

    /// Says that a stage ends with the last operation.
    pub fn end_stage(&mut self) {
        self.stages.push(self.last());
    }

    /// The map at each cut for a square image of this side: the image at 0, what is pooled where a pooling comes last.
    pub fn cuts(&self, side: usize) -> Vec<Map> {
        let image = Map { channels: self.channels, side };
        let maps: Vec<Map> = [image].into_iter().chain(self.maps(side)).collect();
        let ends = self.stages.iter().take(self.stages.len().saturating_sub(1)).copied().chain([self.last()]);
        [image].into_iter().chain(ends.filter_map(|value| maps.get(value.0).copied())).collect()
    }

    fn channels(&self, value: Value) -> usize {
        self.operations
            .iter()
            .take(value.0)
            .rev()
            .find_map(|operation| match operation {
                Operation::Convolution(layer) => Some(layer.output),
                Operation::Pool => None,
            })
            .unwrap_or(self.channels)
    }
}
