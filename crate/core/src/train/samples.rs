//! Standardised features in blocks for the kernels: what a full-batch solver reads over and over.

use super::{Standardisation, Views};
use crate::dense::Rows;
use std::ops::Range;

/// Views of a block.
const BLOCK: usize = 1024;
/// Most numbers that are kept standardised, 32 MiB of them; past it each block is converted anew.
const MOST_KEPT: usize = 8 << 20;

/// Views, standardised.
pub struct Samples {
    views: Views,
    by: Standardisation,
    /// All blocks, or none.
    kept: Vec<Rows>,
}

impl Samples {
    /// Takes views and what they are standardised by.
    pub fn new(views: Views, by: Standardisation) -> Self {
        let mut samples = Self { views, by, kept: Vec::new() };
        if samples.views.len() * samples.views.length() <= MOST_KEPT {
            samples.kept = samples.blocks().map(|block| samples.convert(block)).collect();
        }
        samples
    }

    /// The views as they were given.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Gives each block of views with their places.
    pub fn each(&self, mut give: impl FnMut(Range<usize>, &Rows)) {
        for (index, block) in self.blocks().enumerate() {
            match self.kept.get(index) {
                Some(rows) => give(block, rows),
                None => give(block.clone(), &self.convert(block)),
            }
        }
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let count = self.views.len();
        (0..count).step_by(BLOCK).map(move |first| first..(first + BLOCK).min(count))
    }

    fn convert(&self, block: Range<usize>) -> Rows {
        self.views.standardised_rows(&block.collect::<Vec<_>>(), &self.by)
    }
}
