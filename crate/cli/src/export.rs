//! The model of a project file, for other tools.

use std::error::Error;
use std::path::Path;

use pollster::block_on;
use rekindle::export::Format;
use rekindle::project::Project;
use rekindle::weights::{Description, Tensors};
use rekindle::{Device, Embedder, Spec, Tuner};

/// The exported file. `weights` are those that the project was made with: it says which, and does not hold them.
///
/// # Errors
/// Where a file cannot be read or used, or the weights are others.
pub fn of_project(project: &Path, weights: &Path, format: Format) -> Result<Vec<u8>, Box<dyn Error>> {
    let [project, weights] = [project, weights]
        .map(|path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display())));
    let (project, weights) = (project?, weights?);
    let made = Project::read(&project)?;
    // Another tool's file does not say how it was trained; the project does.
    let foreign = Tensors::are_foreign(&weights);
    let description = if foreign { described(&made.spec) } else { Description::default() };
    let embedder = block_on(Embedder::open(&weights, &description, Device::Cpu, Some(made.input_size)))?;
    let (size, length) = (embedder.input_size(), embedder.feature_len());
    let tuner = Tuner::open(&project, embedder.spec().clone(), size, length)?.with_backbone(&embedder);
    Ok(tuner.export(format)?)
}

fn described(spec: &Spec) -> Description {
    let Spec { arch, tag, input_size, mean, std, interpolation, crop_pct, channels, license, source, .. } =
        spec.clone();
    Description {
        arch: Some(arch),
        tag: Some(tag),
        input_size: Some(input_size),
        mean: Some(mean),
        std: Some(std),
        interpolation: Some(interpolation),
        crop_pct: Some(crop_pct),
        channels: Some(channels),
        license: Some(license),
        source: Some(source),
    }
}
