//! The frozen part of a backbone, compiled once and run for every view.
//!
//! [`Plan`] says what is computed; [`CpuPrefix`] computes it: `program` cuts a plan into steps, `packed` lays out the
//! weights, `block`, `full`, `separate`, `whole` and `layer` cut maps into bands and panels, `kernel` does the sums.
//! `GpuPrefix` computes it on a WebGPU device. [`cache`] keeps what came out.

mod activation;
mod block;
pub mod cache;
mod cpu;
mod full;
#[cfg(feature = "gpu")]
mod gpu;
mod layer;
pub mod maps;
mod matrix;
mod operation;
mod packed;
mod plan;
mod program;
mod separate;
mod slots;
mod whole;

pub use crate::kernel::Arithmetic;
pub use activation::Activation;
pub use cpu::CpuPrefix;
#[cfg(feature = "gpu")]
pub use gpu::GpuPrefix;
pub use operation::{Convolution, Dense, MaxPool, Operation, Padding, SqueezeExcite, Value};
pub use plan::{Map, Plan};
