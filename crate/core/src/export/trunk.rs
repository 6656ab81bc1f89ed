//! The operations of a plan as nodes of an ONNX graph.

use super::graph::{Attribute, Graph};
use crate::prefix::{Activation, Convolution, Dense, Map, MaxPool, Operation, Plan, SqueezeExcite, Value};

/// Adds the whole plan for square images of `side` pixels and gives the name of its last value, `[batch, channels, 1, 1]`.
/// `maps` are the plan's own for that side, `image` is the normalised image, `[batch, 3, side, side]`.
pub fn trunk(graph: &mut Graph<'_>, plan: &Plan, maps: &[Map], image: String, side: usize) -> String {
    let mut values = vec![image];
    for operation in plan.operations() {
        let name = |value: Value| values.get(value.index()).map_or("", String::as_str);
        let side_of = |value: Value| {
            let before = value.index().checked_sub(1);
            before.map_or(side, |index| maps.get(index).map_or(0, |map| map.side))
        };
        let value = match operation {
            Operation::Convolution(layer) => {
                let add = layer.add.map(name);
                convolution(graph, layer, name(layer.from), side_of(layer.from), add)
            }
            Operation::SqueezeExcite(block) => squeeze_excite(graph, block, name(block.from)),
            Operation::MaxPool(pool) => max_pool(graph, pool, name(pool.from), side_of(pool.from)),
            Operation::Join([first, second]) => {
                graph.node("Concat", &[name(*first), name(*second)], &[Attribute::Whole("axis", 1)])
            }
            Operation::Pool(from) => graph.node("GlobalAveragePool", &[name(*from)], &[]),
        };
        values.push(value);
    }
    values.pop().unwrap_or_default()
}

fn convolution(
    graph: &mut Graph<'_>,
    layer: &Convolution,
    from: &str,
    side: usize,
    add: Option<&str>,
) -> String {
    let Convolution { kernel, stride, groups, .. } = *layer;
    let weight = graph.weights(&[layer.output, layer.input / groups.max(1), kernel, kernel], &layer.weight);
    let bias = graph.weights(&[layer.output], &layer.bias);
    let (before, after) = layer.padding.around(side, kernel, stride);
    let mut attributes = windows(kernel, stride, before, after);
    attributes.push(Attribute::Whole("group", groups));
    let mut value = graph.node("Conv", &[from, &weight, &bias], &attributes);
    if let Some(add) = add {
        value = graph.node("Add", &[&value, add], &[]);
    }
    activate(graph, layer.activation, value)
}

fn squeeze_excite(graph: &mut Graph<'_>, block: &SqueezeExcite, from: &str) -> String {
    let mean = graph.node("GlobalAveragePool", &[from], &[]);
    let squeezed = one_pixel(graph, &block.reduce, &mean);
    let squeezed = activate(graph, block.activation, squeezed);
    let gate = one_pixel(graph, &block.expand, &squeezed);
    let gate = activate(graph, block.gate, gate);
    graph.node("Mul", &[from, &gate], &[])
}

/// A layer on the channels of one pixel.
fn one_pixel(graph: &mut Graph<'_>, layer: &Dense, from: &str) -> String {
    let outputs = layer.bias.len();
    let weight = graph.weights(&[outputs, layer.weight.len() / outputs.max(1), 1, 1], &layer.weight);
    let bias = graph.weights(&[outputs], &layer.bias);
    graph.node("Conv", &[from, &weight, &bias], &[])
}

/// As many rows behind the map as its windows reach over: runtimes disagree on what `ceil_mode` counts.
fn max_pool(graph: &mut Graph<'_>, pool: &MaxPool, from: &str, side: usize) -> String {
    let reach = pool.rows(side).saturating_sub(1) * pool.stride + pool.kernel;
    let after = reach.saturating_sub(side + pool.padding);
    graph.node("MaxPool", &[from], &windows(pool.kernel, pool.stride, pool.padding, after))
}

fn windows(kernel: usize, stride: usize, before: usize, after: usize) -> Vec<Attribute> {
    vec![
        Attribute::Wholes("kernel_shape", vec![kernel; 2]),
        Attribute::Wholes("strides", vec![stride; 2]),
        Attribute::Wholes("pads", vec![before, before, after, after]),
    ]
}

fn activate(graph: &mut Graph<'_>, activation: Activation, value: String) -> String {
    match activation {
        Activation::Linear => value,
        Activation::Relu => graph.node("Relu", &[&value], &[]),
        Activation::Relu6 => {
            let [least, most] = [0.0, 6.0].map(|limit| graph.weights(&[], &[limit]));
            graph.node("Clip", &[&value, &least, &most], &[])
        }
        Activation::HardSwish => graph.node("HardSwish", &[&value], &[]),
        Activation::Silu => {
            let gate = graph.node("Sigmoid", &[&value], &[]);
            graph.node("Mul", &[&value, &gate], &[])
        }
        Activation::HardSigmoid => {
            // ONNX's own slope is 0.2.
            let slope = [Attribute::Fraction("alpha", 1.0 / 6.0), Attribute::Fraction("beta", 0.5)];
            graph.node("HardSigmoid", &[&value], &slope)
        }
        Activation::Sigmoid => graph.node("Sigmoid", &[&value], &[]),
    }
}
