//! The largest value of each window.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use crate::error::Result;
use crate::prefix::{self, Plan, Value};

/// Max pooling with square windows.
#[derive(Module, Debug)]
pub struct MaxPool {
    #[module(skip)]
    window: Window,
}

/// Windows of a pooling.
#[derive(Debug, Clone, Copy)]
pub struct Window {
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
    /// A pooling with these windows.
    pub fn new(window: Window) -> Self {
        Self { window }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` -> `[batch, channels, (height + 2 padding - kernel) / stride + 1, same of width]`,
    /// rounded as asked.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let Window { kernel, stride, padding, ceil } = self.window;
        let padding = [(padding, padding); 2];
        max_pool2d(
            input,
            MaxPoolOptions {
                kernel_size: [kernel; 2],
                stride: [stride; 2],
                padding,
                dilation: [1; 2],
                ceil_mode: ceil,
            },
        )
    }

    /// Adds the pooling to a plan.
    ///
    /// # Errors
    /// `INTERNAL` where it does not fit the plan.
    pub fn lower(&self, plan: &mut Plan, from: Value) -> Result<Value> {
        let Window { kernel, stride, padding, ceil } = self.window;
        plan.max_pool(prefix::MaxPool { from, kernel, stride, padding, ceil })
    }
}
