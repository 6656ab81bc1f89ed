//! What is known of the features is what the shipped classifier says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::path::Path;

use rekindle::Spec;
use rekindle::train::weight_variances;
use rekindle::weights::Tensors;

const CLASSES: usize = 1000;
const FEATURES: usize = 1280;

#[test]
fn variances_are_those_of_the_shipped_classifier() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkg/weights/mobilenet_v2.classifier.safetensors");
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask weights` first", path.display()));
    let mut tensors = Tensors::read(&bytes).unwrap();
    let found = weight_variances(tensors.spec()).unwrap();
    let weights = tensors.take("classifier.1.weight", &[CLASSES, FEATURES]).unwrap();
    let mut moments = vec![(0.0, 0.0); FEATURES];
    for row in weights.chunks_exact(FEATURES) {
        for ((sum, squares), weight) in moments.iter_mut().zip(row) {
            *sum += f64::from(*weight) / CLASSES as f64;
            *squares += f64::from(*weight).powi(2) / CLASSES as f64;
        }
    }
    let variances: Vec<f64> = moments.iter().map(|(mean, squares)| squares - mean * mean).collect();
    let mean = variances.iter().sum::<f64>() / FEATURES as f64;
    assert_eq!(found.len(), FEATURES);
    for (found, variance) in found.iter().zip(&variances) {
        assert!((f64::from(*found) - variance / mean).abs() < 2e-3, "{found} {}", variance / mean);
    }
}

#[test]
fn nothing_is_known_of_other_weights() {
    let bytes = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkg/weights/mobilenet_v2.safetensors"),
    );
    let bytes = bytes.unwrap_or_else(|e| panic!("{e}; run `cargo xtask weights` first"));
    let spec = Tensors::read(&bytes).unwrap().spec().clone();
    assert!(weight_variances(&spec).is_some());
    assert_eq!(weight_variances(&Spec { sha256: "00".into(), ..spec }), None);
}
