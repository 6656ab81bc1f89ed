//! Weights of a 1x1 convolution, in the numbers that this processor multiplies fastest.

use std::ops::Range;

use super::activation::Activation;
use super::layer::{Panels, part};
use super::operation::Convolution;
use super::packed::{Kind, Packed};
use crate::error::{Error, Result};
use crate::kernel::integer::{self, Rounded, Rounding, Sign, Squares};
use crate::kernel::{self, Arithmetic, Finish, PANEL};

/// Inputs that are few. The channels of the first block are of very different sizes, so that whole numbers would lose more in
/// its projection than in any other layer; and what they save in products they would cost in rounding.
const FEW: usize = 32;

/// The weights of a layer that sees all channels.
#[derive(Debug)]
pub enum Matrix {
    /// f32.
    Float(Packed),
    /// Whole numbers.
    Integer(integer::Weights),
}

/// Pixels that a matrix is multiplied with, in its numbers.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// f32.
    Float(Panels<'a>),
    /// Whole numbers.
    Integer(Rounded<'a>),
}

impl Matrix {
    /// The weights of a layer of a kind that sees all channels; in f32 where it makes few channels fewer.
    pub fn new(layer: &Convolution, kind: Kind, arithmetic: Arithmetic, inputs_are: Sign) -> Self {
        let order = kind.taps(layer);
        if arithmetic == Arithmetic::Float || order.len() <= FEW && layer.output <= layer.input {
            return Self::Float(Packed::new(layer, kind));
        }
        Self::Integer(integer::Weights::new(&layer.weight, &layer.bias, &order, inputs_are))
    }

    /// How many inputs an output has.
    pub fn taps(&self) -> usize {
        match self {
            Self::Float(weights) => weights.taps(),
            Self::Integer(weights) => weights.inputs(),
        }
    }

    /// How many panels of eight outputs there are.
    pub fn panels(&self) -> usize {
        match self {
            Self::Float(weights) => weights.panels().len(),
            Self::Integer(weights) => weights.panels(),
        }
    }

    /// Bytes of a pixel of the input.
    pub fn input_bytes(&self) -> usize {
        match self {
            Self::Float(_) => self.taps() * size_of::<f32>(),
            Self::Integer(_) => self.taps() * size_of::<i16>(),
        }
    }

    /// Some pixels of a map in the matrix's numbers.
    ///
    /// # Errors
    /// `INTERNAL` where the map is too small.
    pub fn input<'a>(
        &self,
        map: Panels<'a>,
        pixels: Range<usize>,
        rounding: &'a mut Rounding,
    ) -> Result<Input<'a>> {
        let values = part(map.values, pixels.start * PANEL..map.values.len())?;
        Ok(match self {
            Self::Float(_) => Input::Float(Panels { values, ..map }),
            Self::Integer(_) => Input::Integer(rounding.round(values, map.stride, self.taps(), pixels.len())),
        })
    }

    /// Where the squares of a map's numbers are to be added before it is the input; none where they are not needed.
    pub fn squares<'a>(&self, pixels: usize, rounding: &'a mut Rounding) -> Option<Squares<'a>> {
        matches!(self, Self::Integer(_)).then(|| rounding.squares(self.taps(), pixels))
    }

    /// A map in the matrix's numbers where they were added.
    pub fn input_squared<'a>(&self, map: Panels<'a>, pixels: usize, rounding: &'a mut Rounding) -> Input<'a> {
        match self {
            Self::Float(_) => Input::Float(map),
            Self::Integer(weights) => {
                Input::Integer(rounding.round_squared(map.values, map.stride, weights.inputs(), pixels))
            }
        }
    }

    /// One panel for as many pixels as `out` has, `[pixels][8]`. The same panel of another map is added to the sums.
    ///
    /// # Errors
    /// `INTERNAL` where the input is in other numbers.
    pub fn multiply(
        &self,
        input: Input<'_>,
        panel: usize,
        add: Option<&[f32]>,
        activation: Activation,
        out: &mut [f32],
    ) -> Result<()> {
        // What the kernels cannot do to the sums is done while they are still in the cache.
        let (finish, rest) = match (add, activation) {
            (None, Activation::Relu6) => (Finish::Relu6, Activation::Linear),
            (None, other) => (Finish::Linear, other),
            (Some(map), other) => (Finish::Add(map), other),
        };
        match (self, input) {
            (Self::Float(weights), Input::Float(input)) => {
                kernel::pointwise(input.values, input.stride, weights.panel(panel), finish, out);
            }
            (Self::Integer(weights), Input::Integer(input)) => {
                integer::pointwise(input, weights, panel, finish, out);
            }
            _ => return Err(other()),
        }
        rest.apply(out);
        Ok(())
    }
}

impl Input<'_> {
    /// The same from another pixel on.
    ///
    /// # Errors
    /// `INTERNAL` where it ends before.
    pub fn from(self, pixel: usize) -> Result<Self> {
        Ok(match self {
            Self::Float(map) => {
                let values = part(map.values, pixel * PANEL..map.values.len())?;
                Self::Float(Panels { values, ..map })
            }
            Self::Integer(map) => Self::Integer(map.from(pixel).ok_or_else(other)?),
        })
    }
}

fn other() -> Error {
    Error::Internal { reason: "a layer of the frozen prefix does not fit what it is multiplied with".into() }
}
