//! Networks that were trained on BGR, made RGB while they are read, so that nothing else knows of them.

use super::loader::Source;
use crate::error::Result;

/// A source whose first convolution, the one on the image, gets its input channels in the reverse order.
pub struct Reversed<'a> {
    source: &'a mut dyn Source,
    done: bool,
}

impl<'a> Reversed<'a> {
    /// Of the tensors of `source`.
    pub fn new(source: &'a mut dyn Source) -> Self {
        Self { source, done: false }
    }
}

impl Source for Reversed<'_> {
    fn has(&self, name: &str) -> bool {
        self.source.has(name)
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let values = self.source.take(name, shape)?;
        // The image is the only input of three channels, and every architecture begins with it.
        let (false, &[_, 3, height, width]) = (self.done, shape) else {
            return Ok(values);
        };
        self.done = true;
        let kernels = values.chunks_exact((3 * height * width).max(1));
        Ok(kernels.flat_map(|kernel| kernel.rchunks((height * width).max(1)).flatten().copied()).collect())
    }
}
