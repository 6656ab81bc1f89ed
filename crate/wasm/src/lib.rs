//! JavaScript bindings of [`rekindle`]: conversion only, no logic. `pkg/src/wasm.ts` is the same face in TypeScript.

#[cfg(target_family = "wasm")]
mod convert;
#[cfg(target_family = "wasm")]
mod embedder;
#[cfg(target_family = "wasm")]
mod image;
#[cfg(target_family = "wasm")]
mod kernels;
#[cfg(target_family = "wasm")]
mod options;
#[cfg(target_family = "wasm")]
mod tuner;
