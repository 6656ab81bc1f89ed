//! JavaScript bindings of [`rekindle`]: conversion only, no logic. `pkg/src/wasm.ts` is the same face in TypeScript.
//!
//! With the feature `tune` they are those of fine-tuning, else all others: what trains stages is large and fetched when it is
//! wanted.

#[cfg(target_family = "wasm")]
mod convert;
#[cfg(all(target_family = "wasm", not(feature = "tune")))]
mod embedder;
#[cfg(all(target_family = "wasm", feature = "tune"))]
mod fine_tuner;
#[cfg(all(target_family = "wasm", not(feature = "tune")))]
mod image;
#[cfg(target_family = "wasm")]
mod kernels;
#[cfg(all(target_family = "wasm", not(feature = "tune")))]
mod options;
#[cfg(all(target_family = "wasm", not(feature = "tune")))]
mod tuner;
#[cfg(target_family = "wasm")]
mod weights;
