//! A trained model as one safetensors file: the backbone under the names of its weights file, and the head.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

use super::{Export, SCALING_KEY, internal};
use crate::error::Result;
use crate::head::HeadTensor;
use crate::weights::{CHECKSUM_KEY, Spec, checksum};

/// Before the names of the head's tensors.
const HEAD: &str = "head.";

/// Writes the file. Weights of the head are `[outputs, inputs]`, as PyTorch has them.
///
/// # Errors
/// As [`Export::write`].
pub async fn write(export: &Export<'_>) -> Result<Vec<u8>> {
    let head = export.head.to_tensors()?.into_iter().map(turned);
    let backbone = export.backbone.tensors(&export.spec.arch)?;
    let encoded: Vec<_> = backbone
        .into_iter()
        .chain(head)
        .map(|HeadTensor { name, shape, values }| {
            (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        })
        .collect();
    let mut views = BTreeMap::new();
    for (name, shape, bytes) in &encoded {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(internal)?;
        views.insert(name.clone(), view);
    }
    let scaling = (SCALING_KEY, if export.head.unit() { "unit" } else { "none" }.to_owned());
    let entries = export.metadata(&spec(export, &views))?.into_iter().chain([scaling]);
    let mut metadata: HashMap<String, String> = entries.map(|(key, value)| (key.to_owned(), value)).collect();
    metadata.insert(CHECKSUM_KEY.into(), checksum(&metadata, &views));
    serialize(views, Some(metadata)).map_err(internal)
}

/// The spec of the backbone in the file: fine-tuned stages are no longer those of the pretrained weights, and a head that was
/// trained on those must not be taken to fit.
fn spec(export: &Export<'_>, views: &BTreeMap<String, TensorView<'_>>) -> Spec {
    let spec = export.spec.clone();
    if !export.tuned {
        return spec;
    }
    let backbone: BTreeMap<_, _> = views.iter().filter(|(name, _)| !name.starts_with(HEAD)).collect();
    let backbone = backbone.into_iter().map(|(name, view)| (name.clone(), view.clone())).collect();
    Spec { tag: format!("{}.tuned", spec.tag), sha256: checksum(&HashMap::new(), &backbone), ..spec }
}

/// A tensor of the head under its name in the file, with the sizes of a weight in PyTorch's order.
fn turned(tensor: HeadTensor) -> HeadTensor {
    let name = format!("{HEAD}{}", tensor.name);
    let [inputs, outputs] = tensor.shape[..] else { return HeadTensor { name, ..tensor } };
    let column = |output| tensor.values.iter().skip(output).step_by(outputs).copied();
    let values = (0..outputs).flat_map(column).collect();
    HeadTensor { name, shape: vec![outputs, inputs], values }
}
