//! The operations of a plan.

use super::activation::Activation;

/// The result of an operation, or the image that goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub(super) usize);

impl Value {
    /// The image.
    pub const IMAGE: Self = Self(0);

    /// Index of the value among the maps: zero for the image, then one for each operation.
    pub fn index(self) -> usize {
        self.0
    }

    /// The value that the operation of this index gives.
    pub fn of(operation: usize) -> Self {
        Self(operation + 1)
    }
}

/// What surrounds a map before a kernel goes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As many rows and columns on all sides.
    Even(usize),
    /// As many as make the result `side / stride` long, rounded up; the odd one at the end, as TensorFlow's `SAME`.
    Same,
}

impl Padding {
    /// Rows before a map of `side` rows, and rows of the result; 0 where the map is too small.
    pub fn apply(self, side: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Self::Even(padding) => {
                let rows = (side + 2 * padding).checked_sub(kernel).map_or(0, |rest| rest / stride + 1);
                (padding, rows)
            }
            Self::Same => {
                let rows = side.div_ceil(stride);
                let reach = rows.saturating_sub(1) * stride + kernel;
                (reach.saturating_sub(side) / 2, rows)
            }
        }
    }

    /// Rows before and after a map of `side` rows.
    pub fn around(self, side: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Self::Even(padding) => (padding, padding),
            Self::Same => {
                let (before, rows) = self.apply(side, kernel, stride);
                let reach = rows.saturating_sub(1) * stride + kernel;
                (before, reach.saturating_sub(side + before))
            }
        }
    }
}

/// A convolution, with all that is done to its result before it is stored.
#[derive(Debug, Clone)]
pub struct Convolution {
    /// What it reads.
    pub from: Value,
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step of the kernel in both directions.
    pub stride: usize,
    /// What surrounds the map: zeros.
    pub padding: Padding,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// `[output, input / groups, kernel, kernel]`.
    pub weight: Vec<f32>,
    /// `[output]`.
    pub bias: Vec<f32>,
    /// What is added to the sums.
    pub add: Option<Value>,
    /// What is done to them at the end.
    pub activation: Activation,
}

/// A fully connected layer.
#[derive(Debug, Clone)]
pub struct Dense {
    /// `[output, input]`.
    pub weight: Vec<f32>,
    /// `[output]`.
    pub bias: Vec<f32>,
}

/// Channels multiplied by `gate(expand(activation(reduce(mean over the image))))`.
#[derive(Debug, Clone)]
pub struct SqueezeExcite {
    /// What it reads.
    pub from: Value,
    /// To few channels.
    pub reduce: Dense,
    /// Back to all of them.
    pub expand: Dense,
    /// Between the two.
    pub activation: Activation,
    /// After the second.
    pub gate: Activation,
}

/// The largest value of each window.
#[derive(Debug, Clone, Copy)]
pub struct MaxPool {
    /// What it reads.
    pub from: Value,
    /// Side of a window.
    pub kernel: usize,
    /// Step from one to the next.
    pub stride: usize,
    /// Rows and columns around the map, which never are the largest.
    pub padding: usize,
    /// Whether a window may reach over the end of the map.
    pub ceil: bool,
}

impl MaxPool {
    /// Rows of the result for a map of `side` rows, as PyTorch counts them; 0 where the map is too small.
    pub fn rows(&self, side: usize) -> usize {
        let Some(rest) = (side + 2 * self.padding).checked_sub(self.kernel) else { return 0 };
        if !self.ceil {
            return rest / self.stride + 1;
        }
        // A window that begins behind the map is left out.
        let rows = rest.div_ceil(self.stride) + 1;
        if (rows - 1) * self.stride >= side + self.padding { rows - 1 } else { rows }
    }
}

/// One operation of a plan.
#[derive(Debug, Clone)]
pub enum Operation {
    /// A convolution.
    Convolution(Convolution),
    /// Channels weighed by what the whole image shows.
    SqueezeExcite(SqueezeExcite),
    /// The largest value of each window.
    MaxPool(MaxPool),
    /// The channels of one value and then those of another.
    Join([Value; 2]),
    /// The mean over the image, for each channel.
    Pool(Value),
}

impl Operation {
    /// What the operation reads: its input first.
    pub fn reads(&self) -> Vec<Value> {
        match self {
            Self::Convolution(layer) => [Some(layer.from), layer.add].into_iter().flatten().collect(),
            Self::SqueezeExcite(block) => vec![block.from],
            Self::MaxPool(pool) => vec![pool.from],
            Self::Join(values) => values.to_vec(),
            Self::Pool(from) => vec![*from],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paddings_are_those_of_pytorch_and_tensorflow() {
        for (padding, side, kernel, stride, expected) in [
            (Padding::Even(1), 224, 3, 2, (1, 112)),
            (Padding::Even(0), 224, 3, 2, (0, 111)),
            (Padding::Even(2), 224, 11, 4, (2, 55)),
            (Padding::Even(0), 2, 3, 1, (0, 0)),
            // TensorFlow's guide on `SAME`: nothing before and one after where the side is even.
            (Padding::Same, 224, 3, 2, (0, 112)),
            (Padding::Same, 75, 3, 2, (1, 38)),
            (Padding::Same, 56, 5, 2, (1, 28)),
            (Padding::Same, 28, 5, 1, (2, 28)),
        ] {
            assert_eq!(padding.apply(side, kernel, stride), expected, "{padding:?} {side} {kernel} {stride}");
        }
    }

    #[test]
    fn poolings_count_windows_as_pytorch_does() {
        let rows = |kernel, stride, padding, ceil, side| {
            MaxPool { from: Value::IMAGE, kernel, stride, padding, ceil }.rows(side)
        };
        // Printed by torch.nn.MaxPool2d.
        assert_eq!(rows(3, 2, 0, true, 111), 55);
        assert_eq!(rows(3, 2, 0, true, 56), 28);
        assert_eq!(rows(3, 2, 1, false, 112), 56);
        assert_eq!(rows(2, 2, 1, true, 3), 2);
        assert_eq!(rows(3, 2, 0, false, 1), 0);
    }
}
