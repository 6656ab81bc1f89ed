//! Three layers that run as one: more channels (the stem or a 1x1 convolution), 3x3 depthwise, fewer channels.
//!
//! A band of output rows goes through all three before the next. Of the widened map only one panel of eight channels
//! exists at a time; the rows that two bands share are computed twice, which costs about a hundredth and saves keeping them.

use std::ops::Range;

use super::activation::Activation;
use super::layer::{self, Panels, PanelsMut, part, part_mut};
use super::operation::Convolution;
use super::packed::{Kind, Packed};
use super::plan::Map;
use crate::error::Result;
use crate::kernel::{self, PANEL};

/// Bytes of a band after the depthwise convolution, which are to stay in the cache.
const BAND: usize = 256 << 10;

/// Memory that blocks use one after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    /// One panel of the widened rows of a band.
    wide: Vec<f32>,
    /// All panels of a band, after the depthwise convolution.
    mixed: Vec<f32>,
    /// A row outside the image.
    zeros: Vec<f32>,
}

/// Where a block reads.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The padded image, for a block that begins with the stem.
    pub image: &'a [f32],
    /// The map before the block, `[panels][images][pixels][8]`.
    pub map: &'a [f32],
    /// How many images the map holds.
    pub images: usize,
}

/// Widen, depthwise, project, and add the input where asked.
#[derive(Debug)]
pub struct Block {
    kind: Kind,
    widen: Packed,
    depthwise: Packed,
    project: Packed,
    stride: usize,
    residual: bool,
    input: Map,
    /// Side of the widened map.
    wide_side: usize,
    output: Map,
}

impl Block {
    /// Packs three layers that make a block for an input map; none where they do not.
    pub fn new([widen, depthwise, project]: [&Convolution; 3], input: Map) -> Option<Self> {
        let wide_side = widen.padding.apply(input.side, widen.kernel, widen.stride).1;
        let side = depthwise.padding.apply(wide_side, depthwise.kernel, depthwise.stride).1;
        let kind = Kind::of(widen, input.side)?;
        let plain = widen.activation == Activation::Relu6
            && widen.add.is_none()
            && project.activation == Activation::Linear;
        let kinds = matches!(kind, Kind::Stem | Kind::Pointwise)
            && Kind::of(depthwise, wide_side)? == Kind::Depthwise
            && Kind::of(project, side)? == Kind::Pointwise;
        let added = project
            .add
            .is_none_or(|value| value == widen.from && kind == Kind::Pointwise && depthwise.stride == 1);
        (plain && kinds && added).then(|| Self {
            kind,
            widen: Packed::new(widen, kind),
            depthwise: Packed::new(depthwise, Kind::Depthwise),
            project: Packed::new(project, Kind::Pointwise),
            stride: depthwise.stride,
            residual: project.add.is_some(),
            input,
            wide_side,
            output: Map { channels: project.output, side },
        })
    }

    /// Runs the block; `out` is `[panels][images][pixels][8]`.
    ///
    /// # Errors
    /// `INTERNAL` where a map is too small.
    pub fn run(&self, source: Source<'_>, scratch: &mut Scratch, out: &mut [f32]) -> Result<()> {
        let side = self.output.side;
        // Bands of several images would not lie side by side in the output; small maps need none.
        let rows = if source.images == 1 { self.band() } else { side };
        for start in (0..side).step_by(rows) {
            self.band_of(source, start..side.min(start + rows), scratch, out)?;
        }
        Ok(())
    }

    /// Output rows of a band: as many as fit, evenly.
    fn band(&self) -> usize {
        let row = self.project.taps() * self.output.side * size_of::<f32>();
        let most = (BAND / row).clamp(1, self.output.side);
        self.output.side.div_ceil(self.output.side.div_ceil(most))
    }

    /// Computes a band of output rows.
    fn band_of(
        &self,
        source: Source<'_>,
        rows: Range<usize>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<()> {
        let images = source.images;
        let row = self.output.side * PANEL;
        let (image, panel) = (rows.len() * row, images * rows.len() * row);
        scratch.mixed.resize(self.project.taps() * panel / PANEL, 0.0);
        scratch.zeros.resize(self.wide_side * PANEL, 0.0);
        let Scratch { wide, mixed, zeros } = scratch;
        let panels = self.widen.panels().zip(self.depthwise.panels()).zip(mixed.chunks_exact_mut(panel));
        for ((widen, depthwise), mixed) in panels {
            for (index, mixed) in mixed.chunks_exact_mut(image).enumerate() {
                let above = self.widen(source, index, widen, &rows, wide)?;
                for (row, out) in rows.clone().zip(mixed.chunks_exact_mut(row)) {
                    let rows = neighbours(row * self.stride, self.wide_side, above, wide, zeros)?;
                    kernel::depthwise(rows, depthwise, self.stride, out);
                }
            }
        }
        let first = rows.start * row;
        let input = Panels { values: &scratch.mixed, stride: panel };
        let stride = images * self.output.pixels() * PANEL;
        let added = images * self.input.pixels() * PANEL;
        let added = match self.residual {
            true => Some(Panels { values: part(source.map, first..source.map.len())?, stride: added }),
            false => None,
        };
        let end = out.len();
        let mut out = PanelsMut { values: part_mut(out, first..end)?, stride };
        let pixels = 0..images * rows.len() * self.output.side;
        layer::pointwise(input, pixels, &self.project, added, Activation::Linear, &mut out)
    }

    /// Computes one panel of the widened rows that a band of one image needs, and says which row is the first.
    fn widen(
        &self,
        source: Source<'_>,
        image: usize,
        weights: &[f32],
        rows: &Range<usize>,
        wide: &mut Vec<f32>,
    ) -> Result<usize> {
        let first = (rows.start * self.stride).saturating_sub(1);
        let end = ((rows.end - 1) * self.stride + 2).min(self.wide_side);
        wide.resize((end - first) * self.wide_side * PANEL, 0.0);
        match self.kind {
            Kind::Stem => layer::stem(source.image, self.input.side, weights, first..end, wide)?,
            _ => {
                let stride = source.images * self.input.pixels() * PANEL;
                let at = (image * self.input.pixels() + first * self.wide_side) * PANEL;
                let input = part(source.map, at..source.map.len())?;
                kernel::pointwise(input, stride, weights, kernel::Finish::Relu6, wide);
            }
        }
        Ok(first)
    }
}

/// The rows above, at and below `row` of a map of `side` rows, of which `wide` holds those from `first` on.
fn neighbours<'a>(
    row: usize,
    side: usize,
    first: usize,
    wide: &'a [f32],
    zeros: &'a [f32],
) -> Result<[&'a [f32]; 3]> {
    let width = side * PANEL;
    // `row` counts from 0, `below` from the row of zeros above the image.
    let at = |below: usize| match below {
        0 => Ok(zeros),
        _ if below > side => Ok(zeros),
        _ => part(wide, (below - 1 - first) * width..(below - first) * width),
    };
    Ok([at(row)?, at(row + 1)?, at(row + 2)?])
}
