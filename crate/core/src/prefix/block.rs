//! Three layers that run as one: more channels (the stem or a 1x1 convolution), 3x3 depthwise, fewer channels.
//!
//! A band of output rows goes through all three before the next. Of the widened map only one panel of eight channels
//! exists at a time; the rows that two bands share are computed twice, which costs a few hundredths and saves keeping them.

use std::ops::Range;

use super::activation::Activation;
use super::layer::{self, Panels, PanelsMut, part, part_mut, room};
use super::matrix::{Input, Matrix};
use super::operation::Convolution;
use super::packed::{Kind, Packed};
use super::plan::Map;
use crate::error::Result;
use crate::kernel::integer::{Rounding, Sign};
use crate::kernel::{self, Arithmetic, PANEL, Quarters};

/// Bytes of a band after the depthwise convolution, which are to stay in the cache.
const BAND: usize = 448 << 10;

/// Memory that blocks use one after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    /// One panel of the widened rows of a band.
    wide: Vec<f32>,
    /// All panels of a band, after the depthwise convolution.
    mixed: Vec<f32>,
    /// What is widened, and what is projected, in whole numbers.
    widened: Rounding,
    projected: Rounding,
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
    widen: Widen,
    depthwise: Packed,
    project: Matrix,
    stride: usize,
    residual: bool,
    input: Map,
    /// Side of the widened map.
    wide_side: usize,
    output: Map,
}

/// A band of output rows.
struct Band<'a> {
    source: Source<'a>,
    /// What is widened; none for the stem.
    input: Option<Input<'a>>,
    rows: Range<usize>,
    /// The rows that they see, counted from the row of zeros above the widened map.
    seen: Range<usize>,
    /// Those of them that are rows of the map.
    inside: Range<usize>,
}

/// The layer that gives a block more channels.
#[derive(Debug)]
enum Widen {
    Stem(Packed),
    Pointwise(Matrix),
}

impl Block {
    /// Packs three layers that make a block for an input map; none where they do not.
    pub fn new(
        [widen, depthwise, project]: [&Convolution; 3],
        input: Map,
        arithmetic: Arithmetic,
    ) -> Option<Self> {
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
            widen: match kind {
                Kind::Stem => Widen::Stem(Packed::new(widen, kind)),
                _ => Widen::Pointwise(Matrix::new(widen, kind, arithmetic, Sign::Any)),
            },
            depthwise: Packed::new(depthwise, Kind::Depthwise),
            project: Matrix::new(project, Kind::Pointwise, arithmetic, Sign::Positive),
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
        let pixels = images * rows.len() * self.output.side;
        let Scratch { wide, mixed, widened, projected } = scratch;
        let mixed = room(mixed, self.project.taps() * pixels);
        let seen = self.seen(&rows);
        let inside = seen.start.saturating_sub(1)..(seen.end - 1).min(self.wide_side);
        let input = self.input(source, &inside, widened)?;
        let band = Band { source, input, rows: rows.clone(), seen, inside };
        let mut squares = self.project.squares(pixels, projected);
        for (panel, mixed) in mixed.chunks_exact_mut(pixels * PANEL).enumerate() {
            let squares = squares.as_mut().map(|squares| squares.of(panel));
            self.mix(&band, panel, wide, squares, mixed)?;
        }
        let mixed = Panels { values: mixed, stride: pixels * PANEL };
        let input = self.project.input_squared(mixed, pixels, projected);
        let first = rows.start * self.output.side * PANEL;
        let stride = images * self.output.pixels() * PANEL;
        let added = images * self.input.pixels() * PANEL;
        let added = match self.residual {
            true => Some(Panels { values: part(source.map, first..source.map.len())?, stride: added }),
            false => None,
        };
        let end = out.len();
        let mut out = PanelsMut { values: part_mut(out, first..end)?, stride };
        layer::pointwise(input, pixels, &self.project, added, Activation::Linear, &mut out)
    }

    /// One panel of a band after the depthwise convolution.
    fn mix(
        &self,
        band: &Band<'_>,
        panel: usize,
        wide: &mut Vec<f32>,
        mut squares: Option<&mut [Quarters]>,
        mixed: &mut [f32],
    ) -> Result<()> {
        let weights = self.depthwise.panel(panel);
        let wide = room(wide, band.seen.len() * self.wide_side * PANEL);
        let pixels = band.rows.len() * self.output.side;
        for (image, mixed) in mixed.chunks_exact_mut(pixels * PANEL).enumerate() {
            self.widen(band, image, panel, wide)?;
            let squares = squares.as_deref_mut().map(|all| all.split_at_mut(image * pixels).1);
            let squares = squares.map(|all| all.split_at_mut(pixels).0);
            kernel::depthwise(wide, self.wide_side, weights, self.stride, squares, mixed);
        }
        Ok(())
    }

    /// The rows that a band of output rows sees of the widened map, counted from the row of zeros above it.
    fn seen(&self, rows: &Range<usize>) -> Range<usize> {
        rows.start * self.stride..(rows.end - 1) * self.stride + 3
    }

    /// What these rows of all images are made of, in the numbers that they are multiplied with; none for the stem.
    fn input<'a>(
        &self,
        source: Source<'a>,
        rows: &Range<usize>,
        rounding: &'a mut Rounding,
    ) -> Result<Option<Input<'a>>> {
        let Widen::Pointwise(weights) = &self.widen else { return Ok(None) };
        let pixels = self.input.pixels();
        let map = Panels { values: source.map, stride: source.images * pixels * PANEL };
        let last = (source.images - 1) * pixels + rows.end * self.wide_side;
        weights.input(map, rows.start * self.wide_side..last, rounding).map(Some)
    }

    /// Computes one panel of the widened rows that a band of one image sees, with rows of zeros where it sees beyond the map.
    fn widen(&self, band: &Band<'_>, image: usize, panel: usize, wide: &mut [f32]) -> Result<()> {
        let row = self.wide_side * PANEL;
        let inside = &band.inside;
        let (above, rest) = wide.split_at_mut((inside.start + 1 - band.seen.start) * row);
        let (wide, below) = rest.split_at_mut(inside.len() * row);
        above.fill(0.0);
        below.fill(0.0);
        match (&self.widen, band.input) {
            (Widen::Pointwise(weights), Some(input)) => {
                let input = input.from(image * self.input.pixels())?;
                weights.multiply(input, panel, None, Activation::Relu6, wide)
            }
            (Widen::Stem(weights), _) => {
                let weights = weights.panel(panel);
                layer::stem(band.source.image, self.input.side, weights, inside.clone(), wide)
            }
            _ => Ok(()),
        }
    }
}
