//! Standardised features in blocks for the kernels: what a full-batch solver reads over and over.

use super::lbfgs::dot;
use super::{Standardisation, Views};
use crate::dense::{Dense, Rows};
use std::ops::Range;

/// Views of a block.
const BLOCK: usize = 1024;
/// Most numbers that are kept standardised, 48 MiB of them: the parts of a cross-validation of 10,000 examples. Past it each
/// block is converted anew: a training of 10,000 took 1.6 times as long.
const MOST_KEPT: usize = 12 << 20;
/// Part of a sample's square that is rounding where other samples span the rest.
const ROUNDING: f64 = 1e-5;

/// Views, standardised.
pub struct Samples {
    views: Views,
    by: Standardisation,
    /// Numbers of a sample.
    length: usize,
    /// All blocks, or none.
    kept: Vec<Rows>,
}

impl Samples {
    /// Takes views and what they are standardised by.
    pub fn new(views: Views, by: Standardisation) -> Self {
        let mut samples = Self { length: views.length(), views, by, kept: Vec::new() };
        if samples.views.len() * samples.views.length() <= MOST_KEPT {
            samples.kept = samples.blocks().map(|block| samples.convert(block)).collect();
        }
        samples
    }

    /// The same in coordinates of the space that the samples span, where that takes fewer numbers. The product of any two
    /// samples stays what it is, and so do the scores of a head with L2 at the optimum and after each step of L-BFGS to it;
    /// the head itself is one on these coordinates, good to judge these samples alone.
    pub fn condensed(views: Views, by: Standardisation) -> Self {
        let (count, length) = (views.len(), views.length());
        if 2 * count > length.min(BLOCK) {
            return Self::new(views, by);
        }
        let all: Vec<usize> = (0..count).collect();
        let values = views.standardised(&all, &by);
        let products = Dense::of_columns(&values, length).apply(&Rows::of(&values, length));
        let mut rows = Rows::zeros(count, count);
        for (place, mut row) in triangle(&products, count).into_iter().enumerate() {
            row.resize(count, 0.0);
            rows.set(place, &row);
        }
        Self { length: count, views, by, kept: vec![rows] }
    }

    /// Numbers of a sample.
    pub fn length(&self) -> usize {
        self.length
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

/// Rows of a lower triangle whose products are these (Cholesky and Banachiewicz). A row that those before it span has a zero
/// on the diagonal, and so have all after it in that place.
///
/// # Shapes
/// `products`: `[count, count]`; the rows are 1 to `count` long.
fn triangle(products: &[f32], count: usize) -> Vec<Vec<f32>> {
    let mut rows: Vec<Vec<f32>> = Vec::with_capacity(count);
    for products in products.chunks_exact(count.max(1)) {
        let mut row = Vec::with_capacity(rows.len() + 1);
        for (known, product) in rows.iter().zip(products) {
            let Some((diagonal, before)) = known.split_last() else { continue };
            let rest = f64::from(*product) - dot(&row, before);
            row.push(if *diagonal > 0.0 { (rest / f64::from(*diagonal)) as f32 } else { 0.0 });
        }
        let square = products.get(row.len()).copied().map_or(0.0, f64::from);
        let rest = square - dot(&row, &row);
        row.push(if rest > ROUNDING * square { rest.sqrt() as f32 } else { 0.0 });
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::LabelledView;
    use super::*;
    use half::f16;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// The products of all pairs, of what the solver reads.
    fn products(samples: &Samples) -> Vec<f32> {
        let length = samples.length();
        let identity: Vec<f32> =
            (0..length * length).map(|place| f32::from(u8::from(place % (length + 1) == 0))).collect();
        let mut found = Vec::new();
        samples.each(|_, rows| {
            let values = Dense::of_columns(&identity, length).apply(rows);
            found.extend(Dense::of_columns(&values, length).apply(&Rows::of(&values, length)));
        });
        found
    }

    fn random(count: usize, length: usize) -> Vec<LabelledView> {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let view = |group: usize| LabelledView {
            features: (0..length).map(|_| f16::from_f32(rng.random_range(0.0..2.0))).collect(),
            class: 0,
            group: group as u32,
            plain: true,
        };
        (0..count).map(view).collect()
    }

    #[test]
    fn fewer_numbers_leave_the_products_as_they_are() {
        let mut all = random(11, 48);
        // Two that others span.
        all.insert(3, all[1].clone());
        all.push(all[0].clone());
        let views = Views::new(48, all);
        let by = Standardisation::of(&views);
        let whole = Samples::new(views.clone(), by.clone());
        let condensed = Samples::condensed(views, by);
        assert_eq!((whole.length(), condensed.length()), (48, 13));
        let (found, expected) = (products(&condensed), products(&whole));
        assert_eq!((found.len(), expected.len()), (169, 169));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn samples_that_span_as_much_stay_as_they_are() {
        let views = Views::new(16, random(9, 16));
        let by = Standardisation::of(&views);
        assert_eq!(Samples::condensed(views, by).length(), 16);
    }
}
