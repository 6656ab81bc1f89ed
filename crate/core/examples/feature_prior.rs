//! Writes what `rekindle::train::weight_variances` knows of a backbone, from the classifier it was trained with.
//!
//! usage: `feature_prior <architecture.classifier.f32.safetensors> <name of the weight> <classes> <features> <out file>`
//!
//! `cargo xtask weights` keeps that file of MobileNetV2 in the cache; its weight is `classifier.1.weight`, 1000 x 1280.

use std::error::Error;

use half::f16;
use rekindle::weights::Tensors;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [classifier, name, classes, features, out] = arguments.as_slice() else {
        return Err("usage: feature_prior <classifier> <weight> <classes> <features> <out file>".into());
    };
    let (classes, features): (usize, usize) = (classes.parse()?, features.parse()?);
    let bytes = std::fs::read(classifier)?;
    let weights = Tensors::read(&bytes)?.take(name, &[classes, features])?;
    let variance = |feature: usize| {
        let column = || weights.iter().skip(feature).step_by(features).map(|weight| f64::from(*weight));
        let mean = column().sum::<f64>() / classes as f64;
        column().map(|weight| (weight - mean).powi(2)).sum::<f64>() / classes as f64
    };
    let variances: Vec<f64> = (0..features).map(variance).collect();
    let mean = variances.iter().sum::<f64>() / features as f64;
    let relative = variances.iter().flat_map(|variance| f16::from_f64(variance / mean).to_le_bytes());
    Ok(std::fs::write(out, relative.collect::<Vec<u8>>())?)
}
