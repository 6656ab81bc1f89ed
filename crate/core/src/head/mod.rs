//! The new classifier on the embedding: one linear layer, one hidden layer before it, or the examples themselves.

mod votes;

use crate::dense::Dense;
use crate::error::{Error, Result};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData, activation};
use rand::Rng;
pub(crate) use votes::Votes;

/// A linear or one-hidden-layer (ReLU) classifier on the embedding, or one whose hidden units are examples that vote. It
/// lives on the CPU device: a step on it costs less there than the dispatches to a GPU would.
#[derive(Module, Debug)]
pub struct Head {
    /// Whether features are scaled to length one before the first layer.
    unit: bool,
    /// How many of the hidden units of each class vote; 0 where they are no examples.
    nearest: usize,
    hidden: Option<Linear>,
    output: Linear,
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
    pub fn new(features: usize, hidden: usize, classes: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let zero =
            |rows, columns| linear(rows, columns, vec![0.0; rows * columns], vec![0.0; columns], device);
        if hidden == 0 {
            return Self { unit: false, nearest: 0, hidden: None, output: zero(features, classes) };
        }
        let bound = (6.0 / features as f32).sqrt();
        let weight = (0..features * hidden).map(|_| rng.random_range(-bound..bound)).collect();
        Self {
            unit: false,
            nearest: 0,
            hidden: Some(linear(features, hidden, weight, vec![0.0; hidden], device)),
            output: zero(hidden, classes),
        }
    }

    /// A linear head of a layer. Errors as [`Head::from_tensors`].
    pub(crate) fn linear(layer: &Dense, device: &Device) -> Result<Self> {
        let (features, classes) = (layer.inputs(), layer.outputs());
        let tensor = |name: &str, shape: Vec<usize>, values| HeadTensor { name: name.into(), shape, values };
        let weight = tensor("output.weight", vec![features, classes], layer.weights());
        Self::from_tensors(&[weight, tensor("output.bias", vec![classes], layer.biases())], device)
    }

    /// A head of examples, each of a class: `nearest` of each class vote, as [`Votes`] says, and what they say is divided by a
    /// temperature.
    ///
    /// # Shapes
    /// `examples`: `[features, examples]`; `truth`: the class of each.
    pub(crate) fn neighbours(
        examples: Vec<f32>,
        truth: &[usize],
        (classes, nearest, temperature): (usize, usize, f32),
        device: &Device,
    ) -> Self {
        let (count, features) = (truth.len(), examples.len() / truth.len().max(1));
        let mut votes = vec![0.0; count * classes];
        for (row, class) in votes.chunks_exact_mut(classes.max(1)).zip(truth) {
            row.iter_mut().skip(*class).take(1).for_each(|vote| *vote = 1.0 / temperature);
        }
        let hidden = linear(features, count, examples, vec![0.0; count], device);
        let output = linear(count, classes, votes, vec![0.0; classes], device);
        Self { unit: false, nearest, hidden: Some(hidden), output }
    }

    /// Scores before the softmax.
    ///
    /// # Shapes
    /// `features`: `[batch, features]`; `dropout`: factors of the output layer's inputs, `[batch, hidden or features]`, of
    /// which a head of examples knows nothing; result: `[batch, classes]`.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn forward(&self, features: Tensor<2>, dropout: Option<Tensor<2>>) -> Result<Tensor<2>> {
        let features = if self.unit { to_unit(features) } else { features };
        let x = match &self.hidden {
            Some(hidden) if self.nearest > 0 => return self.vote(hidden.forward(features)),
            Some(hidden) => activation::relu(hidden.forward(features)),
            None => features,
        };
        Ok(self.output.forward(match dropout {
            Some(mask) => x * mask,
            None => x,
        }))
    }

    /// Scores of rows of hidden units that are examples.
    fn vote(&self, units: Tensor<2>) -> Result<Tensor<2>> {
        let ([batch, count], device) = (units.dims(), units.device());
        let votes = self.votes()?;
        let units = values(units)?;
        let scores = units.chunks_exact(count.max(1)).flat_map(|row| votes.scores(row)).collect();
        Ok(Tensor::from_data(TensorData::new(scores, [batch, self.classes()]), &device))
    }

    /// Who votes, where examples do. Errors as [`Head::forward`].
    pub(crate) fn votes(&self) -> Result<Votes> {
        Ok(Votes::of_layer(self.nearest, &values(self.output.weight.val())?, self.classes()))
    }

    /// Probabilities of the classes, row by row.
    ///
    /// # Shapes
    /// `features`: `[batch, features]`; result: `batch * classes` values.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn probabilities(&self, features: Tensor<2>) -> Result<Vec<f32>> {
        values(activation::softmax(self.forward(features, None)?, 1))
    }

    /// What the score of a class changes by with each feature of this embedding. Where features are scaled to length one,
    /// the length is taken as it is.
    ///
    /// # Shapes
    /// One value a feature.
    ///
    /// # Errors
    /// `INTERNAL` where there is no such class, or the device does not give the values back.
    pub fn sensitivity(&self, embedding: &[f32], class: usize) -> Result<Vec<f32>> {
        let classes = self.classes();
        if class >= classes || embedding.len() != self.features() {
            return Err(Error::Internal { reason: format!("class {class} of a head of {classes}") });
        }
        let row = TensorData::new(embedding.to_vec(), [1, embedding.len()]);
        let features = Tensor::<2>::from_data(row, &self.device());
        let norm = features.clone().powi_scalar(2).sum().sqrt().clamp_min(f32::MIN_POSITIVE);
        let column = self.output.weight.val().narrow(1, class, 1);
        let gradient = match &self.hidden {
            Some(hidden) => {
                let units = hidden.forward(if self.unit { to_unit(features) } else { features });
                let slopes = match self.nearest {
                    0 => column * units.greater_elem(0.0).float().transpose(),
                    _ => {
                        let slopes = self.votes()?.sensitivity(&values(units)?, class);
                        let shape = [slopes.len(), 1];
                        Tensor::from_data(TensorData::new(slopes, shape), &self.device())
                    }
                };
                hidden.weight.val().matmul(slopes)
            }
            None => column,
        };
        let gradient = gradient.squeeze_dim::<1>(1);
        values(if self.unit { gradient / norm } else { gradient })
    }

    /// Length of the features it reads.
    pub fn features(&self) -> usize {
        inputs(self.hidden.as_ref().unwrap_or(&self.output))
    }

    /// How many of the output layer's inputs dropout can leave out.
    pub fn dropped(&self) -> usize {
        inputs(&self.output)
    }

    /// The same head with scores divided by a temperature.
    pub fn cooled(mut self, temperature: f32) -> Self {
        self.output.weight = self.output.weight.map(|weight| weight / temperature);
        self.output.bias = self.output.bias.map(|bias| bias.map(|bias| bias / temperature));
        self
    }

    /// Columns, one after the other, and biases of a linear head; nothing of one with a hidden layer.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn columns(&self) -> Result<Option<(Vec<f32>, Vec<f32>)>> {
        match (&self.hidden, &self.output.bias) {
            (None, Some(bias)) => {
                Ok(Some((values(self.output.weight.val().transpose())?, values(bias.val())?)))
            }
            _ => Ok(None),
        }
    }

    /// Number of classes it tells apart.
    pub fn classes(&self) -> usize {
        self.output.weight.val().dims()[1]
    }

    /// The device its weights are on.
    pub fn device(&self) -> Device {
        self.output.weight.val().device()
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
    pub fn fold_standardisation(self, mean: &[f32], scale: &[f32]) -> Self {
        let fold = |layer: Linear| {
            let device = layer.weight.val().device();
            let vector = |v: &[f32]| Tensor::<1>::from_data(TensorData::new(v.to_vec(), [v.len()]), &device);
            let weight = layer.weight.val() * vector(scale).unsqueeze_dim::<2>(1);
            let shift = vector(mean).unsqueeze_dim::<2>(0).matmul(weight.clone()).squeeze_dim::<1>(0);
            Linear {
                weight: Param::from_tensor(weight),
                bias: layer.bias.map(|bias| Param::from_tensor(bias.val() - shift)),
            }
        };
        match self.hidden {
            Some(hidden) => Self { hidden: Some(fold(hidden)), ..self },
            None => Self { output: fold(self.output), ..self },
        }
    }

    /// Its tensors, to be stored together with [`Head::unit`] and [`Head::nearest`].
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn to_tensors(&self) -> Result<Vec<HeadTensor>> {
        let mut tensors = Vec::new();
        let layers = [("hidden", self.hidden.as_ref()), ("output", Some(&self.output))];
        for (name, layer) in layers.into_iter().filter_map(|(name, layer)| Some((name, layer?))) {
            let weight = layer.weight.val();
            tensors.push(HeadTensor {
                name: format!("{name}.weight"),
                shape: weight.dims().to_vec(),
                values: values(weight)?,
            });
            if let Some(bias) = &layer.bias {
                let bias = bias.val();
                tensors.push(HeadTensor {
                    name: format!("{name}.bias"),
                    shape: bias.dims().to_vec(),
                    values: values(bias)?,
                });
            }
        }
        Ok(tensors)
    }

    /// The head that [`Head::to_tensors`] was called on, reading features as they are: see [`Head::with_unit`] and
    /// [`Head::with_nearest`].
    ///
    /// # Errors
    /// `PROJECT_FORMAT` where a tensor is missing or its shape does not fit the others.
    pub fn from_tensors(tensors: &[HeadTensor], device: &Device) -> Result<Self> {
        let find = |name: &str| tensors.iter().find(|t| t.name == name);
        let layer = |name: &str| -> Result<Linear> {
            let damaged =
                |what: &str| Error::ProjectFormat { reason: format!("{what} of the head's `{name}`") };
            let weight = find(&format!("{name}.weight")).ok_or_else(|| damaged("there is no weight"))?;
            let bias = find(&format!("{name}.bias")).ok_or_else(|| damaged("there is no bias"))?;
            match weight.shape[..] {
                [rows, columns] if weight.values.len() == rows * columns && bias.values.len() == columns => {
                    Ok(linear(rows, columns, weight.values.clone(), bias.values.clone(), device))
                }
                _ => Err(damaged("the shapes do not fit")),
            }
        };
        let head = Self {
            unit: false,
            nearest: 0,
            hidden: find("hidden.weight").map(|_| layer("hidden")).transpose()?,
            output: layer("output")?,
        };
        match &head.hidden {
            Some(hidden) if hidden.weight.val().dims()[1] != inputs(&head.output) => {
                Err(Error::ProjectFormat { reason: "the head's layers do not fit together".into() })
            }
            _ => Ok(head),
        }
    }
}

/// Rows scaled to length one; zeros stay.
fn to_unit(rows: Tensor<2>) -> Tensor<2> {
    let norms = rows.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(f32::MIN_POSITIVE);
    rows / norms
}

/// The values of a tensor on the CPU device, row by row.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.into_data().try_to_vec::<f32>().map_err(|error| Error::Internal { reason: format!("{error:?}") })
}

fn inputs(layer: &Linear) -> usize {
    layer.weight.val().dims()[0]
}

fn linear(rows: usize, columns: usize, weight: Vec<f32>, bias: Vec<f32>, device: &Device) -> Linear {
    Linear {
        weight: Param::from_data(TensorData::new(weight, [rows, columns]), device),
        bias: Some(Param::from_data(TensorData::new(bias, [columns]), device)),
    }
}

#[cfg(test)]
impl Head {
    /// The gradients of its tensors, in the order of [`Head::to_tensors`].
    pub(crate) fn gradients(&self, gradients: &burn::tensor::Gradients) -> Vec<Vec<f32>> {
        let mut all = Vec::new();
        for layer in self.hidden.iter().chain([&self.output]) {
            all.push(values(layer.weight.val().grad(gradients).unwrap()).unwrap());
            all.push(values(layer.bias.as_ref().unwrap().val().grad(gradients).unwrap()).unwrap());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn features(device: &Device) -> Tensor<2> {
        Tensor::from_data([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], device)
    }

    /// A head whose output layer is not zero.
    fn head(hidden: usize) -> Head {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut tensors = Head::new(3, hidden, 2, &mut rng, &device).to_tensors().unwrap();
        for tensor in &mut tensors {
            tensor.values.iter_mut().for_each(|v| *v += rng.random_range(-1.0..1.0));
        }
        Head::from_tensors(&tensors, &device).unwrap()
    }

    #[test]
    fn a_new_head_finds_every_class_equally_probable() {
        let device = Device::flex();
        for hidden in [0, 4] {
            let head = Head::new(3, hidden, 4, &mut ChaCha8Rng::seed_from_u64(0), &device);
            assert_eq!(head.probabilities(features(&device)).unwrap(), [0.25; 8]);
            assert_eq!(head.features(), 3);
        }
    }

    #[test]
    fn folding_the_standardisation_changes_no_score() {
        let device = Device::flex();
        let (mean, scale) = ([0.5, -1.0, 2.0], [2.0, 0.25, 1.5]);
        let row = |v: [f32; 3]| Tensor::<2>::from_data([v], &device);
        for hidden in [0, 4] {
            let standardised = (features(&device) - row(mean)) * row(scale);
            let expected = values(head(hidden).forward(standardised, None).unwrap()).unwrap();
            let raw = |unit| head(hidden).fold_standardisation(&mean, &scale).with_unit(unit);
            let close = |found: Vec<f32>| {
                for (a, b) in expected.iter().zip(&found) {
                    assert!((a - b).abs() < 1e-5, "{expected:?} {found:?}");
                }
            };
            close(values(raw(false).forward(features(&device), None).unwrap()).unwrap());
            let norms = Tensor::<2>::from_data([[5.25f32.sqrt()], [10f32.sqrt()]], &device);
            let unit = values(raw(true).forward(features(&device), None).unwrap()).unwrap();
            let expected = values(raw(false).forward(features(&device) / norms, None).unwrap()).unwrap();
            for (a, b) in expected.iter().zip(&unit) {
                assert!((a - b).abs() < 1e-5, "{expected:?} {unit:?}");
            }
        }
    }

    #[test]
    fn tensors_that_do_not_fit_are_refused() {
        let device = Device::flex();
        let whole = head(4).to_tensors().unwrap();
        assert_eq!(
            whole.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
            ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]
        );
        for index in 1..whole.len() {
            let mut fewer = whole.clone();
            fewer.remove(index);
            assert_eq!(Head::from_tensors(&fewer, &device).unwrap_err().code(), "PROJECT_FORMAT");
        }
        let mut narrow = whole.clone();
        narrow[2].shape = vec![3, 2];
        narrow[2].values.truncate(6);
        assert_eq!(Head::from_tensors(&narrow, &device).unwrap_err().code(), "PROJECT_FORMAT");
    }
}
