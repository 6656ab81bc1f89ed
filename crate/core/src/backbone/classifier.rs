//! The classifier that the weights were trained with.

use crate::rank::sort_by_number;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::weights::{CLASSES_KEY, Spec, Tensors};

/// A linear classifier on the backbone's last map, with the names of its classes.
#[derive(Debug, Clone)]
pub struct Classifier {
    /// `[classes, channels]`.
    weight: Vec<f32>,
    /// `[classes]`.
    bias: Vec<f32>,
    classes: Vec<String>,
    /// Whether it is a convolution whose positive scores are averaged, as SqueezeNet's, instead of one layer on the average.
    convolution: bool,
}

/// A class by its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    /// Its name.
    pub label: String,
    /// Of all classes together 1.
    pub probability: f32,
}

/// The names of ImageNet's classes, in the order of their numbers; two lines before them say where they are from.
const IMAGENET: &str = include_str!("../weights/imagenet_classes.txt");

impl Classifier {
    /// The classifier that is left in a file of another tool once the backbone is taken: one layer of 1000 outputs on the embedding, whose
    /// classes are then ImageNet's. None where there is another, such as VGG's of three layers, or none.
    pub fn left_in(tensors: &mut Tensors<'_>, embedding_len: usize) -> Option<Self> {
        // What was exported from here has classes of its own.
        if tensors.metadata(CLASSES_KEY).is_some() {
            return None;
        }
        let left = tensors.left().take(3).map(|(name, shape)| (name.to_owned(), shape.to_vec()));
        let left: Vec<_> = left.collect();
        let [(bias, bias_shape), (weight, weight_shape)] = &left[..] else { return None };
        let classes: Vec<String> = IMAGENET.lines().skip(2).map(str::to_owned).collect();
        let layer = [classes.len(), embedding_len];
        // SqueezeNet's layer is a convolution of one cell.
        let convolution = weight_shape[..] == [layer[0], layer[1], 1, 1];
        if !tensors.is_classifier(weight)
            || bias_shape[..] != layer[..1]
            || !(convolution || weight_shape[..] == layer)
        {
            return None;
        }
        let weight = tensors.take(weight, weight_shape).ok()?;
        let bias = tensors.take(bias, bias_shape).ok()?;
        Some(Self { weight, bias, classes, convolution })
    }

    /// Reads the file that belongs to the weights of `spec`.
    ///
    /// # Errors
    /// As [`Tensors::read`]; `WEIGHTS_MISMATCH` where it belongs to others; `WEIGHTS_FORMAT` where it is no such file.
    pub fn read(bytes: &[u8], spec: &Spec) -> Result<Self> {
        let mut tensors = Tensors::read(bytes)?;
        // Weights that were rounded have the classifier of those that were not.
        let own = Spec { precision: spec.precision, ..tensors.spec().clone() };
        if !own.is_same_weights(spec) {
            let name = |spec: &Spec| format!("{} ({})", spec.arch, spec.sha256);
            return Err(Error::WeightsMismatch {
                tensor: "classifier".into(),
                expected: format!("that of {}", name(spec)),
                found: format!("that of {}", name(tensors.spec())),
            });
        }
        let refuse = |reason: &str| Error::WeightsFormat { reason: format!("the classifier has {reason}") };
        let classes: Option<Vec<String>> =
            tensors.metadata(CLASSES_KEY).and_then(|json| serde_json::from_str(json).ok());
        let classes = classes.ok_or_else(|| refuse("no names of classes"))?;
        let shapes: Vec<_> = tensors.left().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
        let [(bias, bias_shape), (weight, weight_shape)] = &shapes[..] else {
            return Err(refuse("more than one layer"));
        };
        if *bias_shape != [classes.len()] || weight_shape.first() != Some(&classes.len()) {
            return Err(refuse("other numbers of names and of classes"));
        }
        Ok(Self {
            weight: tensors.take(weight, weight_shape)?,
            bias: tensors.take(bias, bias_shape)?,
            convolution: weight_shape.len() > 2,
            classes,
        })
    }

    /// The likeliest classes of an image, the first one first.
    ///
    /// # Shapes
    /// `map`: `[channels, side, side]`, the backbone's last one.
    ///
    /// # Errors
    /// `INTERNAL` where the map has other channels.
    pub fn classify(&self, map: &[f32], most: usize) -> Result<Vec<Named>> {
        let logits = self.logits(map)?;
        let largest = logits.iter().fold(f32::NEG_INFINITY, |most, score| most.max(*score));
        let powers: Vec<f32> = logits.iter().map(|score| (score - largest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        let mut named: Vec<(f32, &String)> =
            powers.into_iter().map(|power| power / sum).zip(&self.classes).collect();
        sort_by_number(&mut named, |(probability, _)| (-probability).into());
        let named = named.into_iter().take(most);
        Ok(named.map(|(probability, label)| Named { label: label.clone(), probability }).collect())
    }

    /// The scores of all classes before the softmax.
    ///
    /// # Shapes
    /// `map`: as for [`Classifier::classify`]; the result: `[classes]`
    ///
    /// # Errors
    /// As [`Classifier::classify`].
    pub fn logits(&self, map: &[f32]) -> Result<Vec<f32>> {
        let channels = self.weight.len() / self.bias.len().max(1);
        let cells = map.len() / channels.max(1);
        if cells == 0 || channels * cells != map.len() {
            return Err(Error::Internal { reason: "the classifier and the map do not fit together".into() });
        }
        // `[channels, columns]`: the average, or each cell alone.
        let columns = if self.convolution { cells } else { 1 };
        let averaged = || map.chunks_exact(cells).map(|channel| channel.iter().sum::<f32>() / cells as f32);
        let input: Vec<f32> = if self.convolution { map.to_vec() } else { averaged().collect() };
        let mut sums = vec![0.0; columns];
        let score = |(weight, bias): (&[f32], &f32)| {
            sums.fill(*bias);
            for (weight, channel) in weight.iter().zip(input.chunks_exact(columns)) {
                sums.iter_mut().zip(channel).for_each(|(sum, value)| *sum += weight * value);
            }
            match self.convolution {
                true => sums.iter().map(|sum| sum.max(0.0)).sum::<f32>() / columns as f32,
                false => sums.iter().sum(),
            }
        };
        Ok(self.weight.chunks_exact(channels).zip(&self.bias).map(score).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Backbone, catalogue, sample};
    use super::*;

    fn classifier(convolution: bool) -> Classifier {
        Classifier {
            weight: vec![1.0, 0.0, 0.0, 2.0, -1.0, -1.0],
            bias: vec![0.0, 0.5, 1.0],
            classes: ["a", "b", "c"].map(String::from).to_vec(),
            convolution,
        }
    }

    #[test]
    fn scores_are_those_of_the_layer_on_the_average() {
        assert_eq!(classifier(false).logits(&[1.0, 3.0, 0.5, 0.5]).unwrap(), [2.0, 1.5, -1.5]);
    }

    #[test]
    fn a_convolution_averages_what_is_positive() {
        // Cells give (1, 1.5, -0.5) and (3, 1.5, -2.5).
        assert_eq!(classifier(true).logits(&[1.0, 3.0, 0.5, 0.5]).unwrap(), [2.0, 1.5, 0.0]);
    }

    /// What is left in a file of another tool that has these tensors, of rising numbers, beside a backbone's.
    fn left(arch: &str, extra: &[(&str, &[usize])]) -> Option<Classifier> {
        let (_, mut tensors) = sample::backbone_of(arch, 1);
        for (name, shape) in extra {
            let values = (0..shape.iter().product()).map(|at: usize| at as f32).collect();
            tensors.insert((*name).into(), (shape.to_vec(), values));
        }
        let spec = Spec { arch: arch.into(), ..sample::spec() };
        let bytes = sample::file(&spec, &tensors);
        let mut tensors = Tensors::read_foreign(&bytes, spec).unwrap();
        Backbone::take(&mut tensors).unwrap();
        let found = Classifier::left_in(&mut tensors, catalogue::find(arch).unwrap().embedding_len);
        tensors.finish().unwrap();
        found
    }

    #[test]
    fn one_layer_of_imagenets_classes_is_found_in_a_file_of_another_tool() {
        for [weight, bias] in [["fc.weight", "fc.bias"], ["head.fc.weight", "head.fc.bias"]] {
            let found = left("resnet18", &[(weight, &[1000, 512]), (bias, &[1000])]).unwrap();
            assert!(
                !found.convolution && found.classes.len() == 1000 && found.classes[387] == "lesser panda"
            );
            assert_eq!((found.weight[512], found.bias[999]), (512.0, 999.0));
        }
        let convolution = [("classifier.1.weight", &[1000, 512, 1, 1][..]), ("classifier.1.bias", &[1000])];
        assert!(left("squeezenet1_1", &convolution).unwrap().convolution);
    }

    #[test]
    fn other_classifiers_are_passed_over() {
        assert!(left("resnet18", &[]).is_none());
        assert!(left("resnet18", &[("fc.weight", &[1000, 512])]).is_none());
        for [outputs, inputs] in [[10, 512], [1000, 256], [1001, 512]] {
            let other = [("fc.weight", &[outputs, inputs][..]), ("fc.bias", &[outputs])];
            assert!(left("resnet18", &other).is_none(), "{outputs} {inputs}");
        }
        // As VGG has them, or MobileNetV3.
        let layers: [(&str, &[usize]); 4] = [
            ("classifier.0.weight", &[8, 576]),
            ("classifier.0.bias", &[8]),
            ("classifier.3.weight", &[1000, 8]),
            ("classifier.3.bias", &[1000]),
        ];
        assert!(left("mobilenet_v3_small", &layers).is_none());
    }

    #[test]
    fn the_likeliest_come_first() {
        let found = classifier(false).classify(&[1.0, 3.0, 0.5, 0.5], 2).unwrap();
        assert_eq!(found.iter().map(|named| named.label.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let sum = 1.0 + (-0.5f32).exp() + (-3.5f32).exp();
        assert!((found[0].probability - 1.0 / sum).abs() < 1e-6);
        assert_eq!(classifier(false).classify(&[1.0; 3], 2).unwrap_err().code(), "INTERNAL");
    }
}
