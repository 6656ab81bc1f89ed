//! The new classifier on the embedding: one linear layer, one hidden layer before it, or the examples themselves.

mod votes;

use crate::dense::{Dense, Rows, to_unit};
use crate::error::{Error, Result};
use rand::Rng;
pub(crate) use votes::Votes;

/// A linear or one-hidden-layer (ReLU) classifier on the embedding, or one whose hidden units are examples that vote. It
/// runs on the processor: a step on it costs less there than the dispatches to a GPU would.
#[derive(Debug, Clone)]
pub struct Head {
    /// Whether features are scaled to length one before the first layer.
    unit: bool,
    /// How many of the hidden units of each class vote; 0 where they are no examples.
    nearest: usize,
    hidden: Option<Dense>,
    output: Dense,
}

/// A named tensor of a head, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadTensor {
    /// `hidden.weight`, `hidden.bias`, `output.weight` or `output.bias`.
    pub name: String,
    /// `[inputs, outputs]` of a weight, `[outputs]` of a bias.
    pub shape: Vec<usize>,
    /// The values, row by row.
    pub values: Vec<f32>,
}

impl Head {
    /// A head that knows nothing yet: the output layer is zero, so that every class starts equally probable; a hidden
    /// layer is drawn uniformly from `±sqrt(6 / inputs)` (He et al. 2015, for ReLU).
    pub fn new(features: usize, hidden: usize, classes: usize, rng: &mut impl Rng) -> Self {
        if hidden == 0 {
            return Self::linear(Dense::zeros(features, classes));
        }
        let bound = (6.0 / features as f32).sqrt();
        let weights: Vec<f32> = (0..features * hidden).map(|_| rng.random_range(-bound..bound)).collect();
        let hidden_layer = Dense::of_weights(&weights, hidden);
        Self { hidden: Some(hidden_layer), ..Self::linear(Dense::zeros(hidden, classes)) }
    }

    /// A linear head of a layer.
    pub(crate) fn linear(output: Dense) -> Self {
        Self { unit: false, nearest: 0, hidden: None, output }
    }

    /// A head of examples, each of a class: `nearest` of each class vote, as [`Votes`] says, and what they say is divided by a
    /// temperature.
    ///
    /// # Shapes
    /// `truth`: the class of each example.
    pub(crate) fn neighbours(
        examples: Dense,
        truth: &[usize],
        (classes, nearest, temperature): (usize, usize, f32),
    ) -> Self {
        let mut votes = vec![0.0; truth.len() * classes];
        for (row, class) in votes.chunks_exact_mut(classes.max(1)).zip(truth) {
            row.iter_mut().skip(*class).take(1).for_each(|vote| *vote = 1.0 / temperature);
        }
        let output = Dense::of_weights(&votes, classes);
        Self { unit: false, nearest, hidden: Some(examples), output }
    }

    /// Scores before the softmax.
    ///
    /// # Shapes
    /// `features`: `[batch, features]`; result: `[batch, classes]`.
    pub fn scores(&self, features: &[f32]) -> Vec<f32> {
        let length = self.features().max(1);
        let rows = match self.unit {
            true => {
                let mut features = features.to_vec();
                for row in features.chunks_exact_mut(length) {
                    to_unit(row);
                }
                Rows::of(&features, length)
            }
            false => Rows::of(features, length),
        };
        let Some(hidden) = &self.hidden else { return self.output.apply(&rows) };
        let mut units = hidden.apply(&rows);
        if self.nearest > 0 {
            let votes = self.votes();
            return units.chunks_exact(hidden.outputs().max(1)).flat_map(|row| votes.scores(row)).collect();
        }
        relu(&mut units);
        self.output.apply(&Rows::of(&units, hidden.outputs()))
    }

    /// Who votes, where examples do.
    pub(crate) fn votes(&self) -> Votes {
        Votes::of_layer(self.nearest, &self.output.weights(), self.classes())
    }

    /// Probabilities of the classes, row by row.
    ///
    /// # Shapes
    /// `features`: `[batch, features]`; result: `[batch, classes]`.
    pub fn probabilities(&self, features: &[f32]) -> Vec<f32> {
        let mut scores = self.scores(features);
        scores.chunks_exact_mut(self.classes().max(1)).for_each(|row| softmax(row, 1.0));
        scores
    }

    /// What the score of a class changes by with each feature of this embedding. Where features are scaled to length one,
    /// the length is taken as it is.
    ///
    /// # Shapes
    /// One value a feature.
    ///
    /// # Errors
    /// `INTERNAL` where there is no such class, or the embedding has another length.
    pub fn sensitivity(&self, embedding: &[f32], class: usize) -> Result<Vec<f32>> {
        let classes = self.classes();
        if class >= classes || embedding.len() != self.features() {
            return Err(Error::Internal { reason: format!("class {class} of a head of {classes}") });
        }
        let mut scaled = embedding.to_vec();
        let norm = if self.unit { to_unit(&mut scaled) } else { 1.0 };
        let column = self.output.weights().into_iter().skip(class).step_by(classes);
        let gradient: Vec<f32> = match &self.hidden {
            Some(hidden) => {
                let units = hidden.apply(&Rows::of(&scaled, scaled.len()));
                let slopes: Vec<f32> = match self.nearest {
                    0 => column.zip(&units).map(|(w, unit)| if *unit > 0.0 { w } else { 0.0 }).collect(),
                    _ => self.votes().sensitivity(&units, class),
                };
                hidden.transposed().apply(&Rows::of(&slopes, slopes.len()))
            }
            None => column.collect(),
        };
        Ok(gradient.into_iter().map(|value| value / norm).collect())
    }

    /// Length of the features it reads.
    pub fn features(&self) -> usize {
        self.hidden.as_ref().unwrap_or(&self.output).inputs()
    }

    /// The hidden layer, where there is one, and the output layer.
    pub(crate) fn layers(&self) -> (Option<&Dense>, &Dense) {
        (self.hidden.as_ref(), &self.output)
    }

    /// The layers, to be trained.
    pub(crate) fn layers_mut(&mut self) -> (Option<&mut Dense>, &mut Dense) {
        (self.hidden.as_mut(), &mut self.output)
    }

    /// How many of the output layer's inputs dropout can leave out.
    pub fn dropped(&self) -> usize {
        self.output.inputs()
    }

    /// The same head with scores divided by a temperature.
    pub fn cooled(mut self, temperature: f32) -> Self {
        for (_, part) in self.output.parts_mut() {
            part.iter_mut().for_each(|value| *value /= temperature);
        }
        self
    }

    /// Columns, one after the other, and biases of a linear head; nothing of one with a hidden layer.
    pub fn columns(&self) -> Option<(Vec<f32>, Vec<f32>)> {
        self.hidden.is_none().then(|| (self.output.columns(), self.output.biases()))
    }

    /// Number of classes it tells apart.
    pub fn classes(&self) -> usize {
        self.output.outputs()
    }

    /// Whether it scales features to length one before its first layer.
    pub fn unit(&self) -> bool {
        self.unit
    }

    /// The same head, where it scales features to length one first, or does not.
    pub fn with_unit(self, unit: bool) -> Self {
        Self { unit, ..self }
    }

    /// How many examples of each class vote; 0 where its hidden units, if any, are no examples.
    pub fn nearest(&self) -> usize {
        self.nearest
    }

    /// The same head, where its hidden units are examples, of which so many of each class vote.
    pub fn with_nearest(self, nearest: usize) -> Self {
        Self { nearest, ..self }
    }

    /// The head that gives for raw features `x` what this one gives for `(x - mean) * scale`.
    pub fn fold_standardisation(mut self, mean: &[f32], scale: &[f32]) -> Self {
        let layer = self.hidden.as_mut().unwrap_or(&mut self.output);
        let (mut columns, mut biases) = (layer.columns(), layer.biases());
        for (column, bias) in columns.chunks_exact_mut(layer.inputs().max(1)).zip(&mut biases) {
            for ((weight, mean), scale) in column.iter_mut().zip(mean).zip(scale) {
                *weight *= scale;
                *bias -= *weight * mean;
            }
        }
        *layer = Dense::of_columns(&columns, layer.inputs()).with_biases(&biases);
        self
    }

    /// Its tensors, to be stored together with [`Head::unit`] and [`Head::nearest`].
    pub fn to_tensors(&self) -> Vec<HeadTensor> {
        let layers = self.hidden.iter().map(|layer| ("hidden", layer)).chain([("output", &self.output)]);
        let tensors = layers.flat_map(|(name, layer)| {
            let (inputs, outputs) = (layer.inputs(), layer.outputs());
            let named =
                |part: &str, shape, values| HeadTensor { name: format!("{name}.{part}"), shape, values };
            [
                named("weight", vec![inputs, outputs], layer.weights()),
                named("bias", vec![outputs], layer.biases()),
            ]
        });
        tensors.collect()
    }

    /// The head that [`Head::to_tensors`] was called on, reading features as they are: see [`Head::with_unit`] and
    /// [`Head::with_nearest`].
    ///
    /// # Errors
    /// `PROJECT_FORMAT` where a tensor is missing or its shape does not fit the others.
    pub fn from_tensors(tensors: &[HeadTensor]) -> Result<Self> {
        let find = |name: &str| tensors.iter().find(|t| t.name == name);
        let layer = |name: &str| -> Result<Dense> {
            let damaged =
                |what: &str| Error::ProjectFormat { reason: format!("{what} of the head's `{name}`") };
            let weight = find(&format!("{name}.weight")).ok_or_else(|| damaged("there is no weight"))?;
            let bias = find(&format!("{name}.bias")).ok_or_else(|| damaged("there is no bias"))?;
            match weight.shape[..] {
                [rows, columns] if weight.values.len() == rows * columns && bias.values.len() == columns => {
                    Ok(Dense::of_weights(&weight.values, columns).with_biases(&bias.values))
                }
                _ => Err(damaged("the shapes do not fit")),
            }
        };
        let output = layer("output")?;
        let hidden = find("hidden.weight").map(|_| layer("hidden")).transpose()?;
        if hidden.as_ref().is_some_and(|hidden| hidden.outputs() != output.inputs()) {
            return Err(Error::ProjectFormat { reason: "the head's layers do not fit together".into() });
        }
        Ok(Self { hidden, ..Self::linear(output) })
    }
}

/// Numbers below zero become zero.
pub(crate) fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

/// Scores become probabilities.
pub(crate) fn softmax(row: &mut [f32], temperature: f32) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|score| *score = libm::expf((*score - most) / temperature));
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|power| *power /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const FEATURES: [f32; 6] = [1.0, -2.0, 0.5, 0.0, 3.0, 1.0];

    /// A head whose output layer is not zero.
    fn head(hidden: usize) -> Head {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut tensors = Head::new(3, hidden, 2, &mut rng).to_tensors();
        for tensor in &mut tensors {
            tensor.values.iter_mut().for_each(|v| *v += rng.random_range(-1.0..1.0));
        }
        Head::from_tensors(&tensors).unwrap()
    }

    #[track_caller]
    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close, "{found:?} {expected:?}");
    }

    #[test]
    fn a_new_head_finds_every_class_equally_probable() {
        for hidden in [0, 4] {
            let head = Head::new(3, hidden, 4, &mut ChaCha8Rng::seed_from_u64(0));
            assert_eq!(head.probabilities(&FEATURES), [0.25; 8]);
            assert_eq!((head.features(), head.classes()), (3, 4));
        }
    }

    #[test]
    fn scores_are_those_of_the_definition() {
        for hidden in [0, 4] {
            let head = head(hidden);
            let tensors = head.to_tensors();
            let mut rows: Vec<Vec<f64>> =
                FEATURES.chunks(3).map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect();
            for (index, layer) in tensors.chunks(2).enumerate() {
                let [weight, bias] = layer else { panic!("a weight and a bias") };
                let outputs = bias.values.len();
                let sum = |row: &Vec<f64>, output: usize| {
                    let column = weight.values.iter().skip(output).step_by(outputs);
                    let sum: f64 = row.iter().zip(column).map(|(a, b)| a * f64::from(*b)).sum();
                    let sum = sum + f64::from(bias.values[output]);
                    if index + 1 < tensors.len() / 2 { sum.max(0.0) } else { sum }
                };
                rows = rows.iter().map(|row| (0..outputs).map(|output| sum(row, output)).collect()).collect();
            }
            let expected: Vec<f32> = rows.concat().into_iter().map(|value| value as f32).collect();
            assert_close(&head.scores(&FEATURES), &expected);
            let cooled: Vec<f32> = expected.iter().map(|score| score / 2.5).collect();
            assert_close(&head.cooled(2.5).scores(&FEATURES), &cooled);
        }
    }

    #[test]
    fn folding_the_standardisation_changes_no_score() {
        let (mean, scale) = ([0.5, -1.0, 2.0], [2.0, 0.25, 1.5]);
        let standardise = |(at, value): (usize, &f32)| (value - mean[at % 3]) * scale[at % 3];
        let standardised: Vec<f32> = FEATURES.iter().enumerate().map(standardise).collect();
        for hidden in [0, 4] {
            let raw = |unit| head(hidden).fold_standardisation(&mean, &scale).with_unit(unit);
            assert_close(&raw(false).scores(&FEATURES), &head(hidden).scores(&standardised));
            let norms = [5.25f32.sqrt(), 10f32.sqrt()];
            let unit: Vec<f32> = FEATURES.iter().enumerate().map(|(at, v)| v / norms[at / 3]).collect();
            assert_close(&raw(true).scores(&FEATURES), &raw(false).scores(&unit));
        }
    }

    #[test]
    fn tensors_that_do_not_fit_are_refused() {
        let whole = head(4).to_tensors();
        assert_eq!(
            whole.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
            ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]
        );
        for index in 1..whole.len() {
            let mut fewer = whole.clone();
            fewer.remove(index);
            assert_eq!(Head::from_tensors(&fewer).unwrap_err().code(), "PROJECT_FORMAT");
        }
        let mut narrow = whole.clone();
        narrow[2].shape = vec![3, 2];
        narrow[2].values.truncate(6);
        assert_eq!(Head::from_tensors(&narrow).unwrap_err().code(), "PROJECT_FORMAT");
    }
}
