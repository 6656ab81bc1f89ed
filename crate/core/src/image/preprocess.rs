//! The evaluation transform that the pretrained weights were made with: resize, centre crop, normalise.

/// The evaluation transform that belongs to pretrained weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {}
