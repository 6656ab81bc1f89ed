//! How much one invocation computes, by what the adapter is.

use super::kernel::Kernel;
use crate::prefix::activation::Activation;
use crate::prefix::operation::Convolution;
use crate::prefix::plan::Map;

/// Sizes of tiles. A wide tile reads less and needs more registers; on a GPU it also leaves fewer invocations to hide
/// waiting for memory behind.
#[derive(Debug)]
pub struct Tiles {
    /// Images that run together at most.
    pub batch: usize,
    /// Invocations of a workgroup.
    pub workgroup: u32,
    stem: [u32; 2],
    /// Width and columns of a window over all channels.
    full: [u32; 2],
    /// Rows and columns that a 1x1 convolution may have.
    pointwise: [&'static [u32]; 2],
    /// Invocations below which a smaller tile is better.
    busy: f32,
    /// What a sum costs, in reads.
    sum: f32,
    /// Height and width at stride 1, then at stride 2.
    depthwise: [[u32; 2]; 2],
}

impl Tiles {
    /// For an adapter that is emulated on the processor: few threads, reads are dear, registers are memory. Measured on
    /// SwiftShader. One image at a time leaves its maps in the processor's cache.
    const SOFTWARE: Self = Self {
        batch: 1,
        workgroup: 32,
        stem: [8, 2],
        full: [4, 2],
        pointwise: [&[4, 7], &[4, 3, 2, 1]],
        busy: 64.0,
        sum: 0.1,
        depthwise: [[2, 4], [2, 4]],
    };

    /// For a GPU: enough invocations to fill it even at small maps. Chosen from public advice; no GPU was at hand.
    const HARDWARE: Self = Self {
        batch: 8,
        workgroup: 64,
        stem: [2, 2],
        full: [4, 1],
        pointwise: [&[8, 4, 2, 1], &[2, 1]],
        busy: 2048.0,
        sum: 0.0,
        depthwise: [[1, 4], [1, 2]],
    };

    /// The tiles for an adapter.
    pub fn of(software: bool) -> &'static Self {
        if software { &Self::SOFTWARE } else { &Self::HARDWARE }
    }

    /// The kernel for a convolution between these maps, which lie in numbers or, where `image` says so, in bytes; none where
    /// there is none.
    pub fn kernel(&self, layer: &Convolution, [input, output]: [Map; 2], image: bool) -> Option<Kernel> {
        let activation = layer.activation;
        let before = layer.padding.apply(input.side, layer.kernel, layer.stride).0;
        let alone = layer.groups == layer.input && layer.input == layer.output;
        match (layer.kernel, layer.stride, layer.groups) {
            (3, 2, 1) if image && before == 1 && layer.add.is_none() => {
                let [width, columns] = self.stem;
                Some(Kernel::Stem { width, columns, activation })
            }
            _ if image => None,
            (1, 1, 1) => Some(self.pointwise(output, activation)),
            (_, _, 1) => {
                let [width, columns] = self.full;
                Some(Kernel::Full { width, columns, activation })
            }
            (kernel @ (3 | 5 | 7), stride @ (1 | 2), _) if alone && layer.add.is_none() => {
                let [height, width] = if stride == 1 { self.depthwise[0] } else { self.depthwise[1] };
                let [kernel, stride] = [kernel, stride].map(|side| side as u32);
                Some(Kernel::Depthwise { kernel, stride, height, width, activation })
            }
            _ => None,
        }
    }

    /// The tile with the least cost: reads and sums for each result, more where too few invocations are at work.
    pub fn pointwise(&self, output: Map, activation: Activation) -> Kernel {
        let [all_rows, all_columns] = self.pointwise;
        let tiles = all_rows.iter().flat_map(|&rows| all_columns.iter().map(move |&columns| (rows, columns)));
        let cost = |(rows, columns): (u32, u32)| {
            let kernel = Kernel::Pointwise { rows, columns, activation };
            let computed = output.pixels().div_ceil(rows as usize) * rows as usize;
            let waste = computed as f32 / output.pixels() as f32;
            let idle = (self.busy / kernel.invocations([output; 2]) as f32).max(1.0);
            (1.0 / rows as f32 + 1.0 / columns as f32 + self.sum) * waste * idle
        };
        let (rows, columns) = tiles
            .filter(|(_, columns)| (output.channels / 4).is_multiple_of(*columns as usize))
            .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
            .unwrap_or((1, 1));
        Kernel::Pointwise { rows, columns, activation }
    }
}
