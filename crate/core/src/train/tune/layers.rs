//! A head as burn derives it, behind stages that are trained with it.

use crate::dense::Dense;
use crate::device::values;
use crate::error::{Error, Result};
use crate::head::{Head, HeadTensor};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData, activation};

/// The layers of a linear or one-hidden-layer head.
#[derive(Module, Debug)]
pub struct Layers {
    /// Whether features are scaled to length one before the first layer.
    unit: bool,
    hidden: Option<Linear>,
    output: Linear,
}

impl Layers {
    /// The layers of a head, on the CPU device.
    ///
    /// # Errors
    /// `INTERNAL` for a head of examples, which would move away from what it keeps.
    pub fn of(head: &Head) -> Result<Self> {
        if head.nearest() > 0 {
            return Err(Error::Internal { reason: "stages trained behind nearest neighbours".into() });
        }
        let (hidden, output) = head.layers();
        Ok(Self { unit: head.unit(), hidden: hidden.map(linear), output: linear(output) })
    }

    /// The head that these layers are.
    ///
    /// # Errors
    /// `INTERNAL` where the device does not give the values back.
    pub fn head(&self) -> Result<Head> {
        let mut tensors = Vec::new();
        let layers = self.hidden.iter().map(|layer| ("hidden", layer)).chain([("output", &self.output)]);
        for (name, layer) in layers {
            let mut keep = |part: &str, shape, values| {
                tensors.push(HeadTensor { name: format!("{name}.{part}"), shape, values });
            };
            let weight = layer.weight.val();
            keep("weight", weight.dims().to_vec(), values(weight)?);
            if let Some(bias) = layer.bias.as_ref().map(|bias| bias.val()) {
                keep("bias", bias.dims().to_vec(), values(bias)?);
            }
        }
        Ok(Head::from_tensors(&tensors)?.with_unit(self.unit))
    }

    /// Scores before the softmax.
    ///
    /// # Shapes
    /// `features`: `[batch, features]`; `dropout`: factors of the output layer's inputs, `[batch, hidden or features]`;
    /// result: `[batch, classes]`.
    pub fn forward(&self, features: Tensor<2>, dropout: Option<Tensor<2>>) -> Tensor<2> {
        let features = if self.unit { to_unit(features) } else { features };
        let x = match &self.hidden {
            Some(hidden) => activation::relu(hidden.forward(features)),
            None => features,
        };
        self.output.forward(match dropout {
            Some(mask) => x * mask,
            None => x,
        })
    }

    /// How many of the output layer's inputs dropout can leave out.
    pub fn dropped(&self) -> usize {
        self.output.weight.val().dims()[0]
    }
}

/// Rows scaled to length one; zeros stay.
fn to_unit(rows: Tensor<2>) -> Tensor<2> {
    let norms = rows.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(f32::MIN_POSITIVE);
    rows / norms
}

fn linear(layer: &Dense) -> Linear {
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    let device = Device::flex();
    Linear {
        weight: Param::from_data(TensorData::new(layer.weights(), [inputs, outputs]), &device),
        bias: Some(Param::from_data(TensorData::new(layer.biases(), [outputs]), &device)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn layers_score_as_their_head_and_give_it_back() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (hidden, unit) in [(0, false), (5, false), (0, true), (5, true)] {
            let mut tensors = Head::new(11, hidden, 3, &mut rng).to_tensors();
            let values = tensors.iter_mut().flat_map(|tensor| &mut tensor.values);
            values.for_each(|value| *value = rng.random_range(-1.0..1.0));
            let head = Head::from_tensors(&tensors).unwrap().with_unit(unit);
            let rows: Vec<f32> = (0..4 * 11).map(|_| rng.random_range(-2.0..2.0)).collect();
            let layers = Layers::of(&head).unwrap();
            let features = Tensor::from_data(TensorData::new(rows.clone(), [4, 11]), &Device::flex());
            let found = crate::device::values(layers.forward(features, None)).unwrap();
            for (a, b) in found.iter().zip(head.scores(&rows)) {
                assert!((a - b).abs() < 1e-5, "{hidden} {unit}: {a} {b}");
            }
            let again = layers.head().unwrap();
            assert_eq!((again.to_tensors(), again.unit()), (tensors, unit));
        }
    }
}
