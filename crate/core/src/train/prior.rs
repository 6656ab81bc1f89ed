//! What is known of the features before the first example: how much the classifier that the backbone was trained with makes
//! of each.

use crate::weights::Spec;
use half::f16;
use std::sync::Arc;

/// torchvision's MobileNetV2, by the SHA-256 of its file; `examples/feature_prior.rs` writes the numbers.
const KNOWN: [(&str, &[u8]); 1] = [(
    "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    include_bytes!("prior/mobilenet_v2.f16"),
)];

/// The variance of the weights that the pretrained classifier gives each feature over its classes, one being the mean of all
/// features; none where the classifier of these weights is not known.
pub fn weight_variances(spec: &Spec) -> Option<Arc<[f32]>> {
    let (_, bytes) = KNOWN.into_iter().find(|(sha256, _)| *sha256 == spec.sha256)?;
    Some(bytes.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect())
}
