//! A trained model as one safetensors file: the backbone under the names of its weights file, and the head.

use std::collections::HashMap;

use super::{Export, NEAREST_KEY, SCALING_KEY};
use crate::error::Result;
use crate::head::HeadTensor;
use crate::transpose::transposed;
use crate::weights::{Views, Written, add, checksum, sealed};

/// Before the names of the head's tensors.
const HEAD: &str = "head.";

/// Writes the file. Weights of the head are `[outputs, inputs]`, as PyTorch has them.
///
/// # Errors
/// As [`Export::write`].
pub fn write(export: &Export<'_>) -> Result<Vec<u8>> {
    let written = |HeadTensor { name, shape, values }| Written::floats(name, shape, &values);
    let backbone = export.backbone.tensors(&export.spec.arch)?;
    let backbone: Vec<Written> = backbone.into_iter().map(written).collect();
    let head: Vec<Written> = export.head.to_tensors().into_iter().map(turned).map(written).collect();
    let mut views = Views::new();
    add(&mut views, &backbone)?;
    let mut spec = export.spec();
    // Fine-tuned stages are no longer those of the pretrained weights: heads that were trained on those must not be taken to fit.
    if export.tuned {
        spec.tag.push_str(".tuned");
        spec.sha256 = checksum(&HashMap::new(), &views);
    }
    add(&mut views, &head)?;
    let mut metadata = export.metadata(&spec)?;
    metadata.push((SCALING_KEY, if export.head.unit() { "unit" } else { "none" }.into()));
    if export.head.nearest() > 0 {
        metadata.push((NEAREST_KEY, export.head.nearest().to_string()));
    }
    sealed(&views, metadata)
}

/// A tensor of the head under its name in the file, with the sizes of a weight in PyTorch's order.
fn turned(tensor: HeadTensor) -> HeadTensor {
    let name = format!("{HEAD}{}", tensor.name);
    let [inputs, outputs] = tensor.shape[..] else { return HeadTensor { name, ..tensor } };
    HeadTensor { name, shape: vec![outputs, inputs], values: transposed(&tensor.values, inputs, outputs) }
}

#[cfg(test)]
mod tests {

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use safetensors::SafeTensors;

    use super::*;
    use crate::backbone::{Backbone, sample};
    use crate::export::Format;
    use crate::head::Head;
    use crate::weights::{CLASSES_KEY, SPEC_KEY, Spec, Tensors};

    const LABELS: [&str; 2] = ["cat", "dog"];

    fn file(backbone: &Backbone, spec: &Spec, tuned: bool) -> Vec<u8> {
        let head = Head::new(1280, 3, 2, &mut ChaCha8Rng::seed_from_u64(1)).with_unit(true);
        let labels = LABELS.map(String::from);
        let export = Export { spec, input_size: 96, backbone, tuned, head: &head, labels: &labels };
        export.write(Format::Safetensors).unwrap()
    }

    fn load(seed: u64) -> Backbone {
        let weights = sample::weights(seed, |_| ());
        Backbone::load(Tensors::read(&weights).unwrap()).unwrap()
    }

    #[test]
    fn the_backbone_is_read_back_bit_by_bit() {
        let (backbone, spec) = (load(1), sample::spec());
        let bytes = file(&backbone, &spec, false);
        let tensors = Tensors::read(&bytes).unwrap();
        assert_eq!(tensors.spec(), &spec);
        let classes: Vec<String> = serde_json::from_str(tensors.metadata(CLASSES_KEY).unwrap()).unwrap();
        assert_eq!(classes, LABELS);
        let again = Backbone::load(tensors).unwrap();
        assert_eq!(again.tensors(&spec.arch).unwrap(), backbone.tensors(&spec.arch).unwrap());
    }

    #[test]
    fn the_head_is_as_pytorch_has_it() {
        let bytes = file(&load(1), &sample::spec(), false);
        let head = Head::new(1280, 3, 2, &mut ChaCha8Rng::seed_from_u64(1));
        let [weight, ..] = &head.to_tensors()[..] else { panic!("a head without tensors") };
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let found = tensors.tensor("head.hidden.weight").unwrap();
        assert_eq!(found.shape(), [3, 1280]);
        let number = |place: usize| f32::from_le_bytes(found.data()[place * 4..][..4].try_into().unwrap());
        assert_eq!(number(2 * 1280 + 7), weight.values[7 * 3 + 2]);
        assert_eq!(tensors.tensor("head.output.bias").unwrap().shape(), [2]);
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()[SCALING_KEY], "unit");
    }

    #[test]
    fn fine_tuned_stages_are_in_it_and_its_weights_are_others() {
        let (pretrained, spec) = (load(1), sample::spec());
        let tuned = pretrained.tuned(&load(2).suffix(17).tuned().unwrap()).unwrap();
        let bytes = file(&tuned, &spec, true);
        let tensors = Tensors::read(&bytes).unwrap();
        assert!(!tensors.spec().is_same_weights(&spec));
        assert_eq!(tensors.spec().tag, "random.tuned");
        let again = Backbone::load(tensors).unwrap().tensors(&spec.arch).unwrap();
        assert_eq!(again, tuned.tensors(&spec.arch).unwrap());
        assert_ne!(again, pretrained.tensors(&spec.arch).unwrap());
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert!(header.metadata().as_ref().unwrap().contains_key(SPEC_KEY));
    }
}
