//! The tensors of a backbone under the names that they have in files.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::primitive::stored;
use super::{Backbone, Source, catalogue};
use crate::error::{Error, Result};
use crate::head::HeadTensor;

impl Backbone {
    /// Every tensor, named as in the files of the library whose weights were loaded.
    ///
    /// Only what builds an architecture knows which tensor goes where. So it is built once more from tensors that are filled
    /// with their own number: where a number is found, that tensor went.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where the architecture is unknown; `INTERNAL` where it is not this backbone's.
    pub fn tensors(&self, arch: &str) -> Result<Vec<HeadTensor>> {
        let mut numbered = Numbered { stem: self.stem, names: Vec::new() };
        let architecture = catalogue::find(arch)?;
        let copy = architecture.build(&mut numbered, catalogue::is_tensorflow(arch))?;
        let [mut numbers, mut own] = [Collect(Vec::new()), Collect(Vec::new())];
        copy.visit(&mut numbers);
        self.visit(&mut own);
        let missing = || Error::Internal { reason: format!("the backbone is no {arch}") };
        if own.0.len() != numbers.0.len() {
            return Err(missing());
        }
        let named = own.0.into_iter().zip(numbers.0).map(|(tensor, number)| {
            let ((shape, values), (expected, number)) = (tensor?, number?);
            let name = number.first().and_then(|number| numbered.names.get(*number as usize));
            let name = name.filter(|_| shape == expected).ok_or_else(missing)?.clone();
            Ok(HeadTensor { name, shape, values })
        });
        named.collect()
    }
}

/// A source that fills each tensor with its number.
struct Numbered {
    /// The first layer of the lineage whose names are wanted.
    stem: Option<&'static str>,
    names: Vec<String>,
}

impl Source for Numbered {
    fn has(&self, name: &str) -> bool {
        name.strip_suffix(".weight").is_some_and(|layer| self.stem == Some(layer))
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let number = self.names.len() as f32;
        self.names.push(name.into());
        Ok(vec![number; shape.iter().product()])
    }
}

/// Shape and values of every tensor, statistics of norms too.
struct Collect(Vec<Result<(Vec<usize>, Vec<f32>)>>);

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        self.0.push(stored(tensor).map(|values| (shape, values)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;

    #[test]
    fn tensors_have_the_names_that_they_were_loaded_by() {
        for arch in [
            "mobilenet_v2",
            "mobilenet_v3_small",
            "resnet18",
            "squeezenet1_1",
            "vgg11_bn",
            "tf_efficientnet_lite0",
        ] {
            let (backbone, expected) = sample::backbone_of(arch, 1);
            let found = backbone.tensors(arch).unwrap();
            assert_eq!(found.len(), expected.len(), "{arch}");
            for tensor in found {
                assert_eq!(expected[&tensor.name], (tensor.shape, tensor.values), "{arch} {}", tensor.name);
            }
        }
        let (backbone, _) = sample::backbone_of("resnet18", 1);
        assert_eq!(backbone.tensors("resnet34").unwrap_err().code(), "INTERNAL");
    }
}
