//! A WebAssembly module of its own for what older browsers would refuse: the kernels with relaxed SIMD. It works in the
//! memory of the main module, which calls `run` through its function table; `cargo xtask build` sees to it that the
//! module keeps nothing there itself.

#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, reason = "it runs on addresses in another module's memory")]

use rekindle_kernel::{Job, Relaxed};

/// Does a job of the main module's kernels.
///
/// # Safety
/// As [`Job::run`], but for the instructions, which a browser that compiled this module has.
#[unsafe(no_mangle)]
#[target_feature(enable = "relaxed-simd")]
pub unsafe extern "C" fn run(job: &Job) {
    // SAFETY: the caller's contract.
    unsafe { job.run::<Relaxed>() }
}
