//! What the safe entries ask of the loops. One function that does any job is all that a kind of lanes has to offer, so
//! that it can come from another module: see `emitted.rs`.

use crate::PANEL;
use crate::depthwise::{self, Rows};
use crate::matrix::{self, Tiles};
use crate::simd::Lanes;

/// One call of a loop. It is read by another module than the one that wrote it, hence the fixed layout.
#[repr(C)]
pub enum Job {
    /// 1x1 convolution.
    Linear(Tiles),
    /// 1x1 convolution and ReLU6.
    Relu6(Tiles),
    /// 1x1 convolution; another map is added.
    Add(Tiles),
    /// Gradient of a 1x1 convolution's weights.
    Gradient(Tiles),
    /// 3x3 convolution of an RGB image at stride 2, and ReLU6.
    Stem(Tiles),
    /// 3x3 depthwise convolution and ReLU6.
    Depthwise(Rows),
    /// The same at stride 2.
    DepthwiseHalving(Rows),
    /// At stride 1, and squares are added.
    DepthwiseSquares(Rows),
    /// At stride 2, and squares are added.
    DepthwiseHalvingSquares(Rows),
}

impl Job {
    /// Does it.
    ///
    /// # Safety
    /// As [`matrix::run`] and [`depthwise::run`].
    #[inline(always)]
    pub unsafe fn run<L: Lanes>(&self) {
        // SAFETY: the caller's contract.
        unsafe {
            match self {
                Self::Linear(job) => matrix::run::<L, PANEL, { matrix::LINEAR }>(job),
                Self::Relu6(job) => matrix::run::<L, PANEL, { matrix::RELU6 }>(job),
                Self::Add(job) => matrix::run::<L, PANEL, { matrix::ADD }>(job),
                Self::Gradient(job) => matrix::run::<L, 1, { matrix::LINEAR }>(job),
                Self::Stem(job) => matrix::run::<L, 6, { matrix::RELU6 }>(job),
                Self::Depthwise(job) | Self::DepthwiseSquares(job) => depthwise::run::<L, 1>(job),
                Self::DepthwiseHalving(job) | Self::DepthwiseHalvingSquares(job) => {
                    depthwise::run::<L, 2>(job);
                }
            }
        }
    }
}
