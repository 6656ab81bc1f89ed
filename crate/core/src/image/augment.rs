//! Random views of an image.

use serde::{Deserialize, Serialize};

/// Which view of an image: its number and the seed of its randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// Number of the view; 0 is the plain evaluation crop.
    pub index: u32,
    /// Seed of the view's random choices; not used for view 0.
    pub seed: u32,
}

/// Ranges of the random transforms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
pub struct Augment {}
