//! The kernels, each with the tile that one invocation computes.

use super::template::expand;
use crate::prefix::plan::Map;

/// A kernel and its tile; each is a pipeline of its own, whatever the shapes. `columns` are groups of four channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// 3x3 at stride 2 over eight-bit RGBA.
    Stem { width: u32, columns: u32 },
    /// 1x1; `rows` are pixels.
    Pointwise { rows: u32, columns: u32 },
    /// 3x3 of each channel alone.
    Depthwise { stride: u32, height: u32, width: u32 },
    /// The mean over the image.
    Pool,
}

impl Kernel {
    /// The kernel as WGSL, for workgroups of so many invocations.
    pub fn source(self, workgroup: u32) -> String {
        let (template, constants, ranges) = match self {
            Kernel::Stem { width, columns } => (
                include_str!("stem.wgsl"),
                vec![("WIDTH", width), ("COLUMNS", columns)],
                vec![("x", width), ("c", columns), ("kx", 3), ("ix", (width - 1) * 2 + 3)],
            ),
            Kernel::Pointwise { rows, columns } => (
                include_str!("pointwise.wgsl"),
                vec![("ROWS", rows), ("COLUMNS", columns)],
                vec![("r", rows), ("c", columns)],
            ),
            Kernel::Depthwise { stride, height, width } => {
                let inputs = |outputs| (outputs - 1) * stride + 3;
                (
                    include_str!("depthwise.wgsl"),
                    vec![("STRIDE", stride), ("HEIGHT", height), ("WIDTH", width)],
                    vec![
                        ("y", height),
                        ("x", width),
                        ("ky", 3),
                        ("kx", 3),
                        ("iy", inputs(height)),
                        ("ix", inputs(width)),
                    ],
                )
            }
            Kernel::Pool => (include_str!("pool.wgsl"), vec![], vec![]),
        };
        let mut source = format!("const WORKGROUP = {workgroup}u;\n");
        source.extend(constants.iter().map(|(name, value)| format!("const {name} = {value}u;\n")));
        source + include_str!("layer.wgsl") + &expand(template, &ranges, &constants)
    }

    /// How many invocations compute this map.
    pub fn invocations(self, output: Map) -> usize {
        let groups = output.channels / 4;
        let tiles = |tile: u32| output.side.div_ceil(tile as usize);
        match self {
            Kernel::Stem { width, columns } => output.side * tiles(width) * groups / columns as usize,
            Kernel::Pointwise { rows, columns } => {
                output.pixels().div_ceil(rows as usize) * (groups / columns as usize)
            }
            Kernel::Depthwise { height, width, .. } => tiles(height) * tiles(width) * groups,
            Kernel::Pool => groups,
        }
    }
}
