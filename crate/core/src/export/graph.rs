//! An ONNX graph in the making. Numbers of fields and types are those of `onnx.proto`
//! (<https://github.com/onnx/onnx/blob/v1.16.0/onnx/onnx.proto>).

use super::protobuf::Protobuf;

/// `TensorProto.DataType`.
#[derive(Debug, Clone, Copy)]
pub enum Element {
    /// `FLOAT`.
    Float = 1,
    /// `UINT8`.
    Uint8 = 2,
    /// `INT64`.
    Whole = 7,
}

/// A size of an input or output.
#[derive(Debug, Clone, Copy)]
pub enum Size {
    /// As many in each call as the caller likes.
    Any(&'static str),
    /// Always so many.
    Fixed(usize),
}

/// An attribute of a node.
#[derive(Debug)]
pub enum Attribute {
    /// A whole number.
    Whole(&'static str, usize),
    /// Whole numbers.
    Wholes(&'static str, Vec<usize>),
    /// A fraction.
    Fraction(&'static str, f32),
}

/// Nodes and the weights that they read.
pub struct Graph<'a> {
    out: &'a mut Protobuf,
    /// Numbers the values that nodes give.
    made: usize,
    /// Numbers the weights.
    weights: usize,
}

impl<'a> Graph<'a> {
    /// A graph of this name in `out`, which is the body of its message.
    pub fn new(out: &'a mut Protobuf, name: &str) -> Self {
        out.text(2, name);
        Self { out, made: 0, weights: 0 }
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, element: Element, sizes: &[Size]) {
        self.declare(11, name, element, sizes);
    }

    /// Adds an output, which a node gives.
    pub fn output(&mut self, name: &str, element: Element, sizes: &[Size]) {
        self.declare(12, name, element, sizes);
    }

    /// Adds weights and gives their name.
    pub fn weights(&mut self, shape: &[usize], values: &[f32]) -> String {
        self.constant(shape, Element::Float, |tensor| tensor.floats(9, values))
    }

    /// Adds a list of whole numbers and gives its name.
    pub fn wholes(&mut self, values: &[usize]) -> String {
        self.constant(&[values.len()], Element::Whole, |tensor| {
            values.iter().for_each(|value| tensor.number(7, *value as u64));
        })
    }

    fn constant(&mut self, shape: &[usize], element: Element, values: impl FnOnce(&mut Protobuf)) -> String {
        let name = format!("weights{}", self.weights);
        self.weights += 1;
        self.out.message(5, |tensor| {
            shape.iter().for_each(|size| tensor.number(1, *size as u64));
            tensor.number(2, element as u64);
            tensor.text(8, &name);
            values(tensor);
        });
        name
    }

    /// Adds a node and gives the name of its value.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[Attribute]) -> String {
        let name = format!("value{}", self.made);
        self.made += 1;
        self.named(&name, operator, inputs, attributes);
        name
    }

    /// Adds a node for the largest numbers of each row and gives the name of its value. It must have another, their places.
    pub fn largest(&mut self, rows: &str, count: usize) -> String {
        let count = self.wholes(&[count]);
        let name = format!("value{}", self.made);
        self.made += 1;
        self.out.message(1, |node| {
            [rows, &count].iter().for_each(|input| node.text(1, input));
            [&name, &format!("{name}.places")].iter().for_each(|output| node.text(2, output));
            node.text(3, &name);
            node.text(4, "TopK");
        });
        name
    }

    /// Adds a node whose value has a name of its own, as those of outputs have.
    pub fn named(&mut self, name: &str, operator: &str, inputs: &[&str], attributes: &[Attribute]) {
        self.out.message(1, |node| {
            inputs.iter().for_each(|input| node.text(1, input));
            node.text(2, name);
            node.text(3, name);
            node.text(4, operator);
            attributes.iter().for_each(|attribute| node.message(5, |out| attribute.write(out)));
        });
    }

    /// `ValueInfoProto`.
    fn declare(&mut self, field: u32, name: &str, element: Element, sizes: &[Size]) {
        self.out.message(field, |value| {
            value.text(1, name);
            value.message(2, |kind| {
                kind.message(1, |tensor| {
                    tensor.number(1, element as u64);
                    tensor.message(2, |shape| {
                        for size in sizes {
                            shape.message(1, |dimension| match size {
                                Size::Fixed(count) => dimension.number(1, *count as u64),
                                Size::Any(name) => dimension.text(2, name),
                            });
                        }
                    });
                });
            });
        });
    }
}

impl Attribute {
    /// `AttributeProto`, whose field 20 says which of the others is used.
    fn write(&self, out: &mut Protobuf) {
        match self {
            Self::Whole(name, value) => {
                out.text(1, name);
                out.number(3, *value as u64);
                out.number(20, 2);
            }
            Self::Wholes(name, values) => {
                out.text(1, name);
                values.iter().for_each(|value| out.number(8, *value as u64));
                out.number(20, 7);
            }
            Self::Fraction(name, value) => {
                out.text(1, name);
                out.fraction(2, *value);
                out.number(20, 1);
            }
        }
    }
}
