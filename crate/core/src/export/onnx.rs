//! A trained model as one ONNX file: from the pixels of the crop to probabilities.

use super::Export;
use super::graph::{Attribute, Element, Graph, Size};
use super::protobuf::Protobuf;
use super::trunk::trunk;
use crate::error::Result;
use crate::head::{HeadTensor, Votes};

/// Version of the file format; ONNX 1.10 (2021) and later read it.
const IR_VERSION: u64 = 8;

/// Version of the operators; `HardSwish` came with 14.
const OPSET: u64 = 17;

const BATCH: Size = Size::Any("batch");
const EMBEDDING: &str = "embedding";

/// Writes the file: `ModelProto` of `onnx.proto`.
///
/// # Errors
/// As [`Export::write`].
pub fn write(export: &Export<'_>) -> Result<Vec<u8>> {
    let plan = export.backbone.lower(export.backbone.len())?;
    let side = export.input_size as usize;
    let maps = plan.checked_maps(side)?;
    let features = Size::Fixed(export.head.features());
    let layers = export.head.to_tensors();
    let votes = (export.head.nearest() > 0).then(|| export.head.votes());
    let mut model = Protobuf::default();
    model.number(1, IR_VERSION);
    model.text(2, "rekindle");
    model.text(3, env!("CARGO_PKG_VERSION"));
    model.message(7, |out| {
        let mut graph = Graph::new(out, &export.spec.arch);
        graph.input("image", Element::Uint8, &[BATCH, Size::Fixed(side), Size::Fixed(side), Size::Fixed(3)]);
        graph.output("probabilities", Element::Float, &[BATCH, Size::Fixed(export.labels.len())]);
        graph.output(EMBEDDING, Element::Float, &[BATCH, features]);
        let image = normalise(&mut graph, export.spec.mean, export.spec.std);
        let pooled = trunk(&mut graph, &plan, &maps, image, side);
        graph.named(EMBEDDING, "Flatten", &[&pooled], &[]);
        let scores = head(&mut graph, export.head.unit(), &layers, votes.as_ref());
        graph.named("probabilities", "Softmax", &[&scores], &[Attribute::Whole("axis", 1)]);
    });
    // The default domain is that of ONNX's own operators.
    model.message(8, |opset| opset.number(2, OPSET));
    for (key, value) in export.metadata(&export.spec())? {
        model.message(14, |entry| {
            entry.text(1, key);
            entry.text(2, &value);
        });
    }
    Ok(model.into_bytes())
}

/// Pixels `[batch, height, width, 3]` of 0 to 255 as the backbone takes them, step by step as
/// [`Preprocess::normalise`](crate::image::Preprocess::normalise) does it.
fn normalise(graph: &mut Graph<'_>, mean: [f32; 3], std: [f32; 3]) -> String {
    let whole = graph.weights(&[], &[255.0]);
    let [mean, std] = [mean, std].map(|values| graph.weights(&[3], &values));
    let image = graph.node("Cast", &["image"], &[Attribute::Whole("to", Element::Float as usize)]);
    let image = graph.node("Div", &[&image, &whole], &[]);
    let image = graph.node("Sub", &[&image, &mean], &[]);
    let image = graph.node("Div", &[&image, &std], &[]);
    graph.node("Transpose", &[&image], &[Attribute::Wholes("perm", vec![0, 3, 1, 2])])
}

/// What [`Head`](crate::head::Head) does: length one where it wants that, and its layers with ReLU between them, or the votes of
/// the first one's units. The temperature is in the last layer. Gives the name of the scores.
fn head(graph: &mut Graph<'_>, unit: bool, layers: &[HeadTensor], votes: Option<&Votes>) -> String {
    let mut value = EMBEDDING.to_owned();
    if unit {
        let least = graph.weights(&[], &[f32::MIN_POSITIVE]);
        let norm = graph.node("ReduceL2", &[&value], &of_rows());
        let norm = graph.node("Max", &[&norm, &least], &[]);
        value = graph.node("Div", &[&value, &norm], &[]);
    }
    let (pairs, _) = layers.as_chunks::<2>();
    for (index, pair) in pairs.iter().enumerate() {
        if index > 0 {
            if let Some(votes) = votes {
                return vote(graph, &value, votes);
            }
            value = graph.node("Relu", &[&value], &[]);
        }
        let [weight, bias] = pair.each_ref().map(|tensor| graph.weights(&tensor.shape, &tensor.values));
        value = graph.node("Gemm", &[&value, &weight, &bias], &[]);
    }
    value
}

/// What [`Votes::scores`] does. Every class has units: it is trained on one example of each at least.
fn vote(graph: &mut Graph<'_>, units: &str, votes: &Votes) -> String {
    let mut scores = Vec::new();
    for (own, weight) in votes.classes() {
        let count = votes.nearest().min(own.len());
        let own = graph.wholes(own);
        let own = graph.node("Gather", &[units, &own], &[Attribute::Whole("axis", 1)]);
        let near = graph.largest(&own, count);
        let sum = graph.node("ReduceLogSumExp", &[&near], &of_rows());
        let share = graph.weights(&[], &[libm::logf(count as f32)]);
        let mean = graph.node("Sub", &[&sum, &share], &[]);
        let weight = graph.weights(&[], &[*weight]);
        scores.push(graph.node("Mul", &[&mean, &weight], &[]));
    }
    let scores: Vec<&str> = scores.iter().map(String::as_str).collect();
    graph.node("Concat", &scores, &[Attribute::Whole("axis", 1)])
}

/// Of an operator that makes one number of each row.
fn of_rows() -> [Attribute; 2] {
    [Attribute::Wholes("axes", vec![1]), Attribute::Whole("keepdims", 1)]
}
