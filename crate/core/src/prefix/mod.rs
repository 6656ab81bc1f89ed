//! The frozen part of a backbone, compiled once and run for every view.
//!
//! [`Plan`] says what is computed; [`CpuPrefix`] computes it: `packed` lays out the weights, `block` and `layer` cut maps
//! into bands and panels, `kernel` does the sums. `GpuPrefix` computes it on a WebGPU device. [`cache`] keeps what came out.

mod block;
pub mod cache;
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
mod layer;
pub mod maps;
mod packed;
mod plan;

pub use cpu::CpuPrefix;
#[cfg(feature = "gpu")]
pub use gpu::GpuPrefix;
pub use plan::{Convolution, Map, Operation, Plan, Value};
