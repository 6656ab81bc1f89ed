//! A convolution of any kernel over all channels: what each pixel sees is laid out as the channels of a 1x1 convolution
//! (`im2col`), band by band.

use std::ops::Range;

use super::activation::Activation;
use super::layer::{self, Panels, PanelsMut, part_mut};
use super::matrix::Matrix;
use super::operation::Convolution;
use super::packed::Kind;
use super::plan::Map;
use crate::error::Result;
use crate::kernel::integer::{Rounding, Sign};
use crate::kernel::{Arithmetic, PANEL};

/// Bytes of a band that is laid out, which are to stay in the cache.
const BAND: usize = 1 << 20;

/// A convolution that is packed for maps of one size.
#[derive(Debug)]
pub struct Full {
    weights: Matrix,
    activation: Activation,
    kernel: usize,
    stride: usize,
    /// Rows and columns before the map.
    before: usize,
    input: Map,
    output: Map,
}

/// Memory that such convolutions use one after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What the pixels of a band see.
    columns: Vec<f32>,
    rounding: Rounding,
}

/// What it reads.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// An image, `[height][width][3]`.
    Image(&'a [f32]),
    /// Maps, `[panels][images][pixels][8]`, and how many images there are.
    Maps(&'a [f32], usize),
}

impl Full {
    /// Packs a convolution of `input`.
    pub fn new(layer: &Convolution, input: Map, arithmetic: Arithmetic) -> Self {
        let (before, side) = layer.padding.apply(input.side, layer.kernel, layer.stride);
        Self {
            weights: Matrix::new(layer, Kind::Full, arithmetic, Sign::Any),
            activation: layer.activation,
            kernel: layer.kernel,
            stride: layer.stride,
            before,
            input,
            output: Map { channels: layer.output, side },
        }
    }

    /// Runs the convolution; `add` and `out` are `[panels][images][pixels][8]`.
    ///
    /// # Errors
    /// `INTERNAL` where a map is too small.
    pub fn run(
        &self,
        source: Source<'_>,
        add: Option<&[f32]>,
        Scratch { columns, rounding }: &mut Scratch,
        out: &mut [f32],
    ) -> Result<()> {
        let images = match source {
            Source::Image(_) => 1,
            Source::Maps(_, images) => images,
        };
        // Rows of all images lie one after the other, before and after.
        let (side, all) = (self.output.side, images * self.output.side);
        let row = self.weights.taps() * side * size_of::<f32>();
        let rows = (BAND / row).clamp(1, all);
        let stride = images * self.output.pixels() * PANEL;
        for start in (0..all).step_by(rows) {
            let band = start..all.min(start + rows);
            let pixels = band.len() * side;
            columns.clear();
            columns.resize(self.weights.taps() * pixels, 0.0);
            match source {
                Source::Image(image) => self.lay_out_image(image, band, columns),
                Source::Maps(maps, images) => self.lay_out_maps(maps, images, band, columns),
            }
            let first = start * side * PANEL;
            let add = match add {
                Some(map) => Some(Panels { values: layer::part(map, first..map.len())?, stride }),
                None => None,
            };
            let end = out.len();
            let mut out = PanelsMut { values: part_mut(out, first..end)?, stride };
            let columns = Panels { values: columns, stride: pixels * PANEL };
            let input = self.weights.input(columns, 0..pixels, rounding)?;
            layer::pointwise(input, pixels, &self.weights, add, self.activation, &mut out)?;
        }
        Ok(())
    }

    /// The column of the input that tap `tap` of the output column `at` falls on, where it is inside.
    fn inside(&self, at: usize, tap: usize) -> Option<usize> {
        (at * self.stride + tap).checked_sub(self.before).filter(|&at| at < self.input.side)
    }

    /// Output columns whose `tap` falls inside the map.
    fn columns_inside(&self, tap: usize) -> Range<usize> {
        let first = self.before.saturating_sub(tap).div_ceil(self.stride);
        let end = (self.input.side + self.before).saturating_sub(tap).div_ceil(self.stride);
        first..end.min(self.output.side).max(first)
    }

    /// `[panels][taps]` parts of `[pixels][8]`; what is outside stays zero.
    fn lay_out_maps(&self, maps: &[f32], images: usize, band: Range<usize>, columns: &mut [f32]) {
        let (side, width) = (self.output.side, self.input.side * PANEL);
        let mut parts = columns.chunks_exact_mut((band.len() * side * PANEL).max(1));
        for panel in maps.chunks_exact(images * self.input.pixels() * PANEL) {
            for tap in 0..self.kernel * self.kernel {
                let (Some(part), inside) = (parts.next(), self.columns_inside(tap % self.kernel)) else {
                    return;
                };
                let Some(left) = self.inside(inside.start, tap % self.kernel) else { continue };
                for (row, out) in band.clone().zip(part.chunks_exact_mut(side * PANEL)) {
                    let Some(above) = self.inside(row % side, tap / self.kernel) else { continue };
                    let from = (row / side * self.input.side + above) * width + left * PANEL;
                    let Some(from) = panel.get(from..) else { continue };
                    let Some(out) = out.get_mut(inside.start * PANEL..inside.end * PANEL) else { continue };
                    copy_pixels(from, self.stride, out);
                }
            }
        }
    }

    /// The same of an image, where the taps of a row and their channels are neighbours.
    fn lay_out_image(&self, image: &[f32], band: Range<usize>, columns: &mut [f32]) {
        let (side, width) = (self.output.side, self.input.side);
        let part = band.len() * side * PANEL;
        for (pixel, (row, column)) in band.flat_map(|row| (0..side).map(move |at| (row, at))).enumerate() {
            for tap in 0..self.kernel * self.kernel {
                let seen = self.inside(row, tap / self.kernel).zip(self.inside(column, tap % self.kernel));
                let Some((above, left)) = seen else { continue };
                let colours = image.iter().skip((above * width + left) * 3).take(3);
                for (channel, value) in (tap * 3..).zip(colours) {
                    if let Some(out) =
                        columns.get_mut(channel / PANEL * part + pixel * PANEL + channel % PANEL)
                    {
                        *out = *value;
                    }
                }
            }
        }
    }
}

/// Copies every `stride`-th pixel.
fn copy_pixels(from: &[f32], stride: usize, out: &mut [f32]) {
    if let (1, Some(from)) = (stride, from.get(..out.len())) {
        out.copy_from_slice(from);
        return;
    }
    let pixels = from.chunks(stride * PANEL).filter_map(|pixel| pixel.first_chunk::<PANEL>());
    for (from, out) in pixels.zip(out.as_chunks_mut::<PANEL>().0) {
        *out = *from;
    }
}
