//! Many vectors times many vectors: the dense layers of a head, and the similarity of embeddings, both by the
//! prefix's kernel for 1x1 convolutions.

use crate::kernel::{self, Finish, PANEL};
use crate::transpose::transposed;

/// Vectors of one length as the kernels read them: `[length / 8][count][8]`, the length padded with zeros.
#[derive(Debug, Clone)]
pub struct Rows {
    count: usize,
    values: Vec<f32>,
}

impl Rows {
    /// `count` vectors of zeros.
    pub fn zeros(length: usize, count: usize) -> Self {
        Self { count, values: vec![0.0; length.next_multiple_of(PANEL) * count] }
    }

    /// Vectors that lie one after the other.
    pub fn of(values: &[f32], length: usize) -> Self {
        let mut rows = Self::zeros(length, values.len() / length.max(1));
        for (index, row) in values.chunks_exact(length.max(1)).enumerate() {
            rows.set(index, row);
        }
        rows
    }

    /// Writes one vector.
    pub fn set(&mut self, index: usize, row: &[f32]) {
        let (parts, last) = row.as_chunks::<PANEL>();
        let (places, _) = self.values.as_chunks_mut::<PANEL>();
        let mut places = places.iter_mut().skip(index).step_by(self.count.max(1));
        for (place, part) in places.by_ref().take(parts.len()).zip(parts) {
            *place = *part;
        }
        if let Some(place) = places.next() {
            place.iter_mut().zip(last).for_each(|(to, value)| *to = *value);
        }
    }

    /// All numbers, in the order of the kernels; what is done to them must leave zeros as they are.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

/// Columns of one length, each with a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    /// Eight outputs each: `[bias 8 | inputs x 8]`, padded with zeros in both directions.
    panels: Vec<Vec<f32>>,
}

impl Dense {
    /// Columns and biases of zeros.
    pub fn zeros(inputs: usize, outputs: usize) -> Self {
        let panel = vec![0.0; (inputs.next_multiple_of(PANEL) + 1) * PANEL];
        Self { inputs, outputs, panels: vec![panel; outputs.div_ceil(PANEL)] }
    }

    /// Columns that lie one after the other, without biases.
    pub fn of_columns(columns: &[f32], inputs: usize) -> Self {
        let mut dense = Self::zeros(inputs, columns.len() / inputs.max(1));
        for (index, column) in columns.chunks_exact(inputs.max(1)).enumerate() {
            if let Some(panel) = dense.panels.get_mut(index / PANEL) {
                let places = panel.iter_mut().skip(PANEL + index % PANEL).step_by(PANEL);
                places.zip(column).for_each(|(to, value)| *to = *value);
            }
        }
        dense
    }

    /// Columns that lie side by side, without biases.
    ///
    /// # Shapes
    /// `weights`: `[inputs, outputs]`
    pub fn of_weights(weights: &[f32], outputs: usize) -> Self {
        let inputs = weights.len() / outputs.max(1);
        Self { outputs, ..Self::of_columns(&transposed(weights, inputs, outputs), inputs) }
    }

    /// The layer whose columns are this one's rows, without biases.
    pub fn transposed(&self) -> Self {
        Self::of_columns(&self.weights(), self.outputs)
    }

    /// The same columns with other biases.
    pub fn with_biases(mut self, biases: &[f32]) -> Self {
        for (panel, eight) in self.panels.iter_mut().zip(biases.chunks(PANEL)) {
            panel.iter_mut().zip(eight).for_each(|(to, bias)| *to = *bias);
        }
        self
    }

    /// The layer whose numbers [`Dense::values`] gave.
    pub fn from_values(inputs: usize, outputs: usize, values: &[f32]) -> Self {
        let mut dense = Self::zeros(inputs, outputs);
        let places = dense.panels.iter_mut().flatten();
        places.zip(values).for_each(|(to, value)| *to = *value);
        dense
    }

    /// All numbers in the order of the panels, the padding among them.
    pub fn values(&self) -> Vec<f32> {
        self.panels.concat()
    }

    /// Length of a column.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of columns.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The bias of each column.
    pub fn biases(&self) -> Vec<f32> {
        self.line(0).collect()
    }

    /// The columns side by side, `[inputs, outputs]`.
    pub fn weights(&self) -> Vec<f32> {
        (1..=self.inputs).flat_map(|k| self.line(k)).collect()
    }

    /// The columns one after the other, `[outputs, inputs]`.
    pub fn columns(&self) -> Vec<f32> {
        let column = |index: usize| {
            let panel = self.panels.get(index / PANEL).into_iter().flatten();
            panel.skip(PANEL + index % PANEL).step_by(PANEL).take(self.inputs).copied()
        };
        (0..self.outputs).flat_map(column).collect()
    }

    /// The product of each row with each column, plus the bias.
    ///
    /// # Shapes
    /// `[rows, outputs]`
    pub fn apply(&self, rows: &Rows) -> Vec<f32> {
        let mut out = vec![0.0; rows.count * self.outputs];
        let mut eight = vec![0.0; rows.count * PANEL];
        for (index, panel) in self.panels.iter().enumerate() {
            kernel::pointwise(&rows.values, rows.count * PANEL, panel, Finish::Linear, &mut eight);
            for (row, eight) in out.chunks_exact_mut(self.outputs).zip(eight.chunks_exact(PANEL)) {
                row.iter_mut().skip(index * PANEL).zip(eight).for_each(|(to, value)| *to = *value);
            }
        }
        out
    }

    /// The gradient of the columns and biases, from that of what [`Dense::apply`] gave.
    ///
    /// # Shapes
    /// `gradient`: `[rows, outputs]`
    pub fn gradient(&self, rows: &Rows, gradient: &[f32]) -> Self {
        let mut found = Self::zeros(self.inputs, self.outputs);
        for (index, panel) in found.panels.iter_mut().enumerate() {
            // Behind eight zeros, as the kernel takes them.
            let mut columns = vec![0.0; PANEL * (1 + rows.count)];
            let places = columns.chunks_exact_mut(PANEL).skip(1);
            for (eight, row) in places.zip(gradient.chunks_exact(self.outputs)) {
                eight.iter_mut().zip(row.iter().skip(index * PANEL)).for_each(|(to, value)| *to = *value);
            }
            let (bias, weights) = panel.split_at_mut(PANEL);
            for eight in columns.chunks_exact(PANEL) {
                bias.iter_mut().zip(eight).for_each(|(sum, value)| *sum += value);
            }
            kernel::pointwise_gradient(&rows.values, rows.count * PANEL, &columns, weights);
        }
        found
    }

    /// All numbers in the order of the panels, each part with whether it is biases; the padding is among them.
    pub fn parts_mut(&mut self) -> impl Iterator<Item = (bool, &mut [f32])> {
        self.panels.iter_mut().flat_map(|panel| {
            let (bias, weights) = panel.split_at_mut(PANEL);
            [(true, bias), (false, weights)]
        })
    }

    /// One line of all panels: the biases, or one input's weights.
    fn line(&self, index: usize) -> impl Iterator<Item = f32> + '_ {
        let lines = self.panels.iter().flat_map(move |panel| panel.iter().skip(index * PANEL).take(PANEL));
        lines.take(self.outputs).copied()
    }
}

/// Scales a vector to length one and gives the length that it had; zeros stay.
pub fn to_unit(row: &mut [f32]) -> f32 {
    // In parts of eight, so that it can be vectorised and is yet the same everywhere.
    let (parts, rest) = row.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += value * value);
    }
    let squares = sums.iter().sum::<f32>() + rest.iter().map(|value| value * value).sum::<f32>();
    let norm = squares.sqrt().max(f32::MIN_POSITIVE);
    row.iter_mut().for_each(|value| *value /= norm);
    norm
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// From -1 to 1, by the seed.
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    #[track_caller]
    fn assert_close(found: &[f32], expected: &[f32], what: &str) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close, "{what}: {found:?} is not {expected:?}");
    }

    #[test]
    fn products_and_gradients_are_those_of_the_definition() {
        for (inputs, outputs, count) in [(1, 1, 1), (8, 8, 3), (11, 3, 7), (16, 17, 33)] {
            let (rows, columns) = (numbers(count * inputs, 1), numbers(outputs * inputs, 2));
            let gradient = numbers(count * outputs, 3);
            let dense = Dense::of_columns(&columns, inputs);
            let packed = Rows::of(&rows, inputs);
            let dot = |i: usize| {
                let (row, column) = (i / outputs * inputs, i % outputs * inputs);
                (0..inputs).map(|k| rows[row + k] * columns[column + k]).sum()
            };
            assert_close(
                &dense.apply(&packed),
                &(0..count * outputs).map(dot).collect::<Vec<f32>>(),
                "product",
            );
            let found = dense.gradient(&packed, &gradient);
            let sum = |i: usize| {
                let (k, output) = (i / outputs, i % outputs);
                (0..count).map(|row| rows[row * inputs + k] * gradient[row * outputs + output]).sum()
            };
            assert_close(&found.weights(), &(0..inputs * outputs).map(sum).collect::<Vec<f32>>(), "weights");
            let bias = |output: usize| (0..count).map(|row| gradient[row * outputs + output]).sum();
            assert_close(&found.biases(), &(0..outputs).map(bias).collect::<Vec<f32>>(), "biases");
            assert_eq!(dense.columns(), columns);
            assert_eq!(Dense::of_weights(&dense.weights(), outputs), dense);
            assert_eq!(dense.transposed().columns(), dense.weights());
            let biases = numbers(outputs, 4);
            let biased = dense.with_biases(&biases);
            assert_eq!((biased.biases(), biased.columns()), (biases, columns));
        }
    }
}
