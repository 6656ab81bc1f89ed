//! Where in an image a class was seen.
//!
//! The embedding is the mean of the last feature map over its cells, and a linear head's score is a sum over the embedding:
//! so it is a mean over the cells of what each cell adds, the class activation map (Zhou, Khosla, Lapedriza, Oliva, Torralba
//! 2016). With a hidden layer, or nearest neighbours, its gradient takes the place of the weights, which is Grad-CAM (Selvaraju et al.
//! 2017) without cutting off what speaks against the class. That of neighbours is of the examples that vote, by what they count.

use crate::error::{Error, Result};
use crate::head::Head;
use crate::image::Region;

/// What each cell of the last feature map adds to the score of a class: a grid over what the network saw of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Saliency {
    side: usize,
    /// Row by row; with a linear head the mean and the class's bias are the score.
    pub cells: Vec<f32>,
}

impl Saliency {
    /// The map of a class.
    ///
    /// # Shapes
    /// `map`: `[channels, side, side]`, as the head's features are many channels.
    ///
    /// # Errors
    /// `INTERNAL` where the map does not fit the head or is not square.
    pub fn of(head: &Head, map: &[f32], class: usize) -> Result<Self> {
        let channels = head.features();
        let pixels = map.len() / channels.max(1);
        let side = pixels.isqrt();
        if side * side * channels != map.len() || side == 0 {
            let reason = format!("a map of {} values is not {channels} channels of a square", map.len());
            return Err(Error::Internal { reason });
        }
        let embedding: Vec<f32> =
            map.chunks_exact(pixels).map(|channel| channel.iter().sum::<f32>() / pixels as f32).collect();
        let weights = head.sensitivity(&embedding, class)?;
        let mut cells = vec![0.0; pixels];
        for (channel, weight) in map.chunks_exact(pixels).zip(weights) {
            cells.iter_mut().zip(channel).for_each(|(sum, value)| *sum += weight * value);
        }
        Ok(Self { side, cells })
    }

    /// The map over a whole image, bilinear between the cells' centres; 0 beyond what the network saw.
    ///
    /// # Shapes
    /// `[height, width]`; `seen` is the part of the image that was seen, in its pixels.
    pub fn over(&self, width: u32, height: u32, seen: Region) -> Vec<f32> {
        let columns: Vec<_> = (0..width).map(|x| self.between(x, seen.left, seen.width)).collect();
        let mut heat = Vec::with_capacity(width as usize * height as usize);
        for y in 0..height {
            let Some((top, bottom, down)) = self.between(y, seen.top, seen.height) else {
                heat.resize(heat.len() + columns.len(), 0.0);
                continue;
            };
            heat.extend(columns.iter().map(|column| {
                let Some((left, right, across)) = *column else { return 0.0 };
                let at =
                    |row: usize, column| self.cells.get(row * self.side + column).copied().unwrap_or(0.0);
                let line = |row| at(row, left) * (1.0 - across) + at(row, right) * across;
                line(top) * (1.0 - down) + line(bottom) * down
            }));
        }
        heat
    }

    /// The cells whose centres are on both sides of a pixel's, and how far it is from the first toward the second.
    fn between(&self, pixel: u32, from: f64, length: f64) -> Option<(usize, usize, f32)> {
        let place = (f64::from(pixel) + 0.5 - from) / length;
        if !(0.0..1.0).contains(&place) {
            return None;
        }
        let last = self.side - 1;
        let cell = (place * self.side as f64 - 0.5).clamp(0.0, last as f64);
        let first = cell as usize;
        Some((first, (first + 1).min(last), (cell - first as f64) as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const CHANNELS: usize = 6;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// The slope along the embedding, at the length that it has, of a head whose hidden units are examples.
    #[test]
    fn the_map_of_neighbours_follows_the_nearest() {
        let examples = numbers(4 * CHANNELS, 8);
        let columns = crate::dense::Dense::of_columns(&examples, CHANNELS);
        let head = Head::neighbours(columns, &[0, 0, 1, 1], (2, 1, 0.5));
        let map = numbers(CHANNELS * 4, 5);
        let embedding: Vec<f32> = map.chunks(4).map(|channel| channel.iter().sum::<f32>() / 4.0).collect();
        let length = embedding.iter().map(|v| v * v).sum::<f32>().sqrt();
        for unit in [false, true] {
            let head = head.clone().with_unit(unit);
            for (class, score) in head.scores(&embedding).iter().enumerate() {
                // With one neighbour the score is a product with it, and the map adds up to that.
                let cells = Saliency::of(&head, &map, class).unwrap().cells;
                let mean = cells.iter().sum::<f32>() / 4.0;
                assert!((mean - score).abs() < 1e-4, "{mean} {score}");
                let dots: Vec<f32> = examples[class * 2 * CHANNELS..(class + 1) * 2 * CHANNELS]
                    .chunks(CHANNELS)
                    .map(|e| e.iter().zip(&embedding).map(|(a, b)| a * b).sum::<f32>() * 2.0)
                    .collect();
                let expected = dots[0].max(dots[1]) / if unit { length } else { 1.0 };
                assert!((score - expected).abs() < 1e-4, "{score} {expected}");
            }
        }
    }

    /// A head with random weights.
    fn head(hidden: usize) -> Head {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut tensors = Head::new(CHANNELS, hidden, 3, &mut rng).to_tensors();
        for (place, tensor) in tensors.iter_mut().enumerate() {
            tensor.values = numbers(tensor.values.len(), place as u64);
        }
        Head::from_tensors(&tensors).unwrap()
    }

    #[test]
    fn the_cells_of_a_linear_head_and_its_bias_are_the_score() {
        let map = numbers(CHANNELS * 9, 8);
        let embedding: Vec<f32> = map.chunks(9).map(|channel| channel.iter().sum::<f32>() / 9.0).collect();
        for unit in [false, true] {
            let head = head(0).with_unit(unit);
            let bias = head.to_tensors()[1].values.clone();
            for (class, score) in head.scores(&embedding).into_iter().enumerate() {
                let cells = Saliency::of(&head, &map, class).unwrap().cells;
                let sum = cells.iter().sum::<f32>() / 9.0 + bias[class];
                assert!((sum - score).abs() < 1e-5, "{sum} {score}");
            }
        }
    }

    #[test]
    fn with_a_hidden_layer_the_gradient_agrees_with_finite_differences() {
        let head = head(5);
        let embedding = numbers(CHANNELS, 4);
        for class in 0..3 {
            let gradient = head.sensitivity(&embedding, class).unwrap();
            for (place, found) in gradient.iter().enumerate() {
                let score = |delta: f32| {
                    let mut moved = embedding.clone();
                    moved[place] += delta;
                    head.scores(&moved)[class]
                };
                let expected = (score(1e-2) - score(-1e-2)) / 2e-2;
                assert!((found - expected).abs() < 1e-3, "{place}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_map_lies_where_the_network_looked() {
        let saliency = Saliency { side: 2, cells: vec![0.0, 1.0, 2.0, 3.0] };
        let heat = saliency.over(8, 4, Region { left: 2.0, top: 0.0, width: 4.0, height: 4.0 });
        let rows: Vec<&[f32]> = heat.chunks(8).collect();
        assert_eq!(rows[0], [0.0, 0.0, 0.0, 0.25, 0.75, 1.0, 0.0, 0.0]);
        assert_eq!(rows[1], [0.0, 0.0, 0.5, 0.75, 1.25, 1.5, 0.0, 0.0]);
        assert_eq!(rows[3], [0.0, 0.0, 2.0, 2.25, 2.75, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn a_map_that_does_not_fit_is_refused() {
        for length in [0, CHANNELS * 8, CHANNELS * 9 + 1] {
            let error = Saliency::of(&head(0), &vec![0.0; length], 0).unwrap_err();
            assert_eq!(error.code(), "INTERNAL");
        }
    }
}
