//! The project file: a zip with `project.json` (what it is, readable) and `model.safetensors` (the numbers).

use crate::backbone::TunedStages;
use crate::error::{Error, Result};
use crate::evaluate::Unknown;
use crate::head::{Head, HeadTensor};
use crate::kernel::are_finite;
use crate::model::Model;
use crate::train::Report;
use crate::weights::{self, Precision, Spec, Written};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Version of the format. A file with a higher one is refused.
///
/// 2 may hold stages that were fine-tuned, and heads that scale features to length one; 1 never does. 3 may hold heads of
/// nearest neighbours.
const VERSION: u32 = 3;

/// Most bytes that an entry may unpack to: far above any head, far below what would exhaust a tab.
const LARGEST_ENTRY: u64 = 256 << 20;

const MANIFEST: &str = "project.json";
const TENSORS: &str = "model.safetensors";
const REFERENCES: &str = "unknown.references";
/// Before the names of fine-tuned stages' tensors.
const STAGES: &str = "stages.";

/// All that a project file keeps.
#[derive(Debug, Clone)]
pub struct Project {
    /// The pretrained weights it was made with.
    pub spec: Spec,
    /// Side of the input in pixels.
    pub input_size: u32,
    /// Seed of the project.
    pub seed: u32,
    /// Labels of the project's classes, trained or not.
    pub classes: Vec<String>,
    /// The trained model.
    pub model: Model,
}

/// What a project file was made with, and can only be used with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeWith<'a> {
    /// The pretrained weights.
    pub spec: &'a Spec,
    /// Side of the input in pixels.
    pub input_size: u32,
}

/// `project.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    rekindle: u32,
    spec: Spec,
    input_size: u32,
    seed: u32,
    classes: Vec<String>,
    labels: Vec<String>,
    unknown_threshold: Option<f32>,
    /// Whether the head scales features to length one before its first layer.
    #[serde(default)]
    unit_features: bool,
    /// How many of the head's hidden units of each class vote, which then are examples; 0 where they are not.
    #[serde(default)]
    nearest: usize,
    /// The stage that the fine-tuned ones begin with.
    #[serde(default)]
    cut: Option<usize>,
    report: Report,
}

impl Project {
    /// Writes the file.
    ///
    /// # Errors
    /// `INTERNAL` where it cannot be put together.
    pub fn write(&self) -> Result<Vec<u8>> {
        let manifest = Manifest {
            rekindle: VERSION,
            spec: self.spec.clone(),
            input_size: self.input_size,
            seed: self.seed,
            classes: self.classes.clone(),
            labels: self.model.labels.clone(),
            // JSON has no infinity: none says that nothing is called unknown.
            unknown_threshold: Some(self.model.unknown.threshold()).filter(|t| t.is_finite()),
            unit_features: self.model.head.unit(),
            nearest: self.model.head.nearest(),
            cut: self.model.tuned.as_ref().map(|tuned| tuned.cut),
            report: self.model.report.clone(),
        };
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(Error::internal)?;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        // The numbers hardly shrink, and without deflate the WebAssembly module does.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, bytes) in [(MANIFEST, manifest), (TENSORS, self.tensors()?)] {
            zip.start_file(name, options).map_err(Error::internal)?;
            zip.write_all(&bytes).map_err(Error::internal)?;
        }
        Ok(zip.finish().map_err(Error::internal)?.into_inner())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `PROJECT_FORMAT` where it is not a project file, damaged or of a later version.
    pub fn read(file: &[u8]) -> Result<Self> {
        let mut zip = ZipArchive::new(Cursor::new(file)).map_err(damaged)?;
        let manifest = entry(&mut zip, MANIFEST)?;
        check_version(&manifest)?;
        let manifest: Manifest = serde_json::from_slice(&manifest).map_err(damaged)?;
        let tensors = entry(&mut zip, TENSORS)?;
        let Numbers { head, stages, references } = read_tensors(&tensors)?;
        let head = head.with_unit(manifest.unit_features).with_nearest(manifest.nearest);
        let tuned = match manifest.cut {
            Some(cut) => Some(TunedStages { cut, tensors: stages }),
            None if stages.is_empty() => None,
            None => return Err(damaged("there are fine-tuned stages and no cut")),
        };
        let threshold = manifest.unknown_threshold.unwrap_or(f32::NEG_INFINITY);
        let unknown = Unknown::from_parts(head.features(), &references, threshold);
        if head.classes() != manifest.labels.len() || manifest.labels.is_empty() {
            return Err(damaged("the head and the labels do not fit together"));
        }
        Ok(Self {
            spec: manifest.spec,
            input_size: manifest.input_size,
            seed: manifest.seed,
            classes: manifest.classes,
            model: Model { labels: manifest.labels, head, tuned, unknown, report: manifest.report },
        })
    }

    /// What it was made with.
    pub fn made_with(&self) -> MadeWith<'_> {
        MadeWith { spec: &self.spec, input_size: self.input_size }
    }

    /// Whether the head reads embeddings of these weights: any others would give wrong predictions without a word.
    ///
    /// # Errors
    /// `PROJECT_FORMAT`, saying what differs.
    pub fn check_made_for(&self, spec: &Spec, input_size: u32, feature_len: usize) -> Result<()> {
        let name = |spec: &Spec| {
            let stored = if spec.precision == Precision::Int8 { " in int8" } else { "" };
            format!("{}.{}{stored} ({})", spec.arch, spec.tag, spec.sha256)
        };
        if !self.spec.is_same_weights(spec) {
            let reason =
                format!("it was made with the weights {}; these are {}", name(&self.spec), name(spec));
            return Err(Error::ProjectFormat { reason });
        }
        if self.input_size != input_size {
            let reason = format!("it was made with inputSize {}; this is {input_size}", self.input_size);
            return Err(Error::ProjectFormat { reason });
        }
        if self.model.head.features() != feature_len {
            return Err(damaged("the head does not fit the backbone"));
        }
        Ok(())
    }

    /// The head and the fine-tuned stages as f32 and the unit embeddings as f16, in safetensors.
    fn tensors(&self) -> Result<Vec<u8>> {
        let length = self.model.head.features();
        let references = self.model.unknown.references();
        let mut tensors = vec![Written {
            name: REFERENCES.into(),
            dtype: Dtype::F16,
            shape: vec![references.len() / length.max(1), length],
            bytes: references.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }];
        let head = self.model.head.to_tensors();
        tensors.extend(head.iter().map(|tensor| written(tensor, "")));
        let stages = self.model.tuned.iter().flat_map(|tuned| &tuned.tensors);
        tensors.extend(stages.map(|tensor| written(tensor, STAGES)));
        let mut views = weights::Views::new();
        weights::add(&mut views, &tensors)?;
        weights::write(&views, &[])
    }
}

/// A tensor with what comes before its name in the file.
fn written(tensor: &HeadTensor, before: &str) -> Written {
    Written::floats(format!("{before}{}", tensor.name), tensor.shape.clone(), &tensor.values)
}

/// What the tensors are.
struct Numbers {
    head: Head,
    stages: Vec<HeadTensor>,
    references: Vec<f16>,
}

fn read_tensors(bytes: &[u8]) -> Result<Numbers> {
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let references = file.tensor(REFERENCES).map_err(damaged)?;
    if references.dtype() != Dtype::F16 {
        return Err(damaged("the embeddings are not f16"));
    }
    let references: Vec<f16> = words(references.data()).map(f16::from_le_bytes).collect();
    let (mut tensors, mut stages) = (Vec::new(), Vec::new());
    for (name, view) in file.tensors().into_iter().filter(|(name, _)| name != REFERENCES) {
        if view.dtype() != Dtype::F32 {
            return Err(damaged("the weights are not f32"));
        }
        let values: Vec<f32> = words(view.data()).map(f32::from_le_bytes).collect();
        if !are_finite(&values) {
            return Err(damaged("the weights have values that are not finite"));
        }
        let shape = view.shape().to_vec();
        match name.strip_prefix(STAGES) {
            Some(name) => stages.push(HeadTensor { name: name.into(), shape, values }),
            None => tensors.push(HeadTensor { name, shape, values }),
        }
    }
    let head = Head::from_tensors(&tensors)?;
    if !references.len().is_multiple_of(head.features().max(1)) {
        return Err(damaged("the embeddings do not fit the head"));
    }
    // A safetensors file has an order of its own; one order makes a file that is opened and saved the same again.
    stages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Numbers { head, stages, references })
}

/// The bytes, `N` at a time.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).filter_map(|word| word.try_into().ok())
}

fn entry(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>> {
    let file = zip.by_name(name).map_err(damaged)?;
    if file.size() > LARGEST_ENTRY {
        return Err(damaged(format!("`{name}` would unpack to {} bytes", file.size())));
    }
    let mut bytes = Vec::new();
    // The limit again: the size in the header is only what the file claims. Reading to the end checks the CRC.
    file.take(LARGEST_ENTRY).read_to_end(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}

/// Says that a file is too new before its unknown fields are found to be wrong.
fn check_version(manifest: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Version {
        rekindle: u32,
    }
    let Version { rekindle } = serde_json::from_slice(manifest).map_err(damaged)?;
    if rekindle > VERSION {
        let reason =
            format!("its format is {rekindle} and this version reads up to {VERSION}; update rekindle");
        return Err(Error::ProjectFormat { reason });
    }
    Ok(())
}

fn damaged(reason: impl ToString) -> Error {
    Error::ProjectFormat { reason: reason.to_string() }
}
