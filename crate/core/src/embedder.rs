//! Image and view in, features out; no state that changes.

/// Turns views of images into features: weights, preprocessing and frozen prefix. It keeps no state of a project, so
/// that any number of embedders give the same features.
#[derive(Debug)]
pub struct Embedder {}
