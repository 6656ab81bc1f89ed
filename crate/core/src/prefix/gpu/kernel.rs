//! The kernels, each with the tile that one invocation computes.

use super::template::{Named, expand};
use crate::prefix::activation::Activation;
use crate::prefix::plan::Map;

/// A kernel and its tile; each is a pipeline of its own, whatever the shapes. `columns` are groups of four channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Eight-bit RGBA to numbers.
    Image,
    /// 3x3 at stride 2 over eight-bit RGBA.
    Stem { width: u32, columns: u32, activation: Activation },
    /// 1x1; `rows` are pixels.
    Pointwise { rows: u32, columns: u32, activation: Activation },
    /// Any window over all channels.
    Full { width: u32, columns: u32, activation: Activation },
    /// Each channel alone.
    Depthwise { kernel: u32, stride: u32, height: u32, width: u32, activation: Activation },
    /// The largest value of each window.
    MaxPool,
    /// A part of the channels.
    Join,
    /// Every channel times a number.
    Scale,
    /// The mean over the image.
    Pool,
}

impl Kernel {
    /// The kernel as WGSL, for workgroups of so many invocations.
    pub fn source(self, workgroup: u32) -> String {
        let (template, constants, ranges) = self.template();
        let mut source = format!("const WORKGROUP = {workgroup}u;\n");
        source.extend(constants.iter().map(|(name, value)| format!("const {name} = {value}u;\n")));
        let activate = self.activation().map_or("", function);
        source + activate + include_str!("layer.wgsl") + &expand(template, &ranges, &constants)
    }

    /// The template, its constants and its ranges.
    fn template(self) -> (&'static str, Vec<Named<'static>>, Vec<Named<'static>>) {
        match self {
            Kernel::Image => (include_str!("image.wgsl"), vec![], vec![]),
            Kernel::Stem { width, columns, .. } => (
                include_str!("stem.wgsl"),
                vec![("WIDTH", width), ("COLUMNS", columns)],
                vec![("x", width), ("c", columns), ("kx", 3), ("ix", (width - 1) * 2 + 3)],
            ),
            Kernel::Pointwise { rows, columns, .. } => (
                include_str!("pointwise.wgsl"),
                vec![("ROWS", rows), ("COLUMNS", columns)],
                vec![("r", rows), ("c", columns)],
            ),
            Kernel::Full { width, columns, .. } => (
                include_str!("full.wgsl"),
                vec![("WIDTH", width), ("COLUMNS", columns)],
                vec![("x", width), ("c", columns)],
            ),
            Kernel::Depthwise { kernel, stride, height, width, .. } => {
                let inputs = |outputs| (outputs - 1) * stride + kernel;
                (
                    include_str!("depthwise.wgsl"),
                    vec![("KERNEL", kernel), ("STRIDE", stride), ("HEIGHT", height), ("WIDTH", width)],
                    vec![
                        ("y", height),
                        ("x", width),
                        ("ky", kernel),
                        ("kx", kernel),
                        ("iy", inputs(height)),
                        ("ix", inputs(width)),
                    ],
                )
            }
            Kernel::MaxPool => (include_str!("max_pool.wgsl"), vec![], vec![]),
            Kernel::Join => (include_str!("join.wgsl"), vec![], vec![]),
            Kernel::Scale => (include_str!("scale.wgsl"), vec![], vec![]),
            Kernel::Pool => (include_str!("pool.wgsl"), vec![], vec![]),
        }
    }

    fn activation(self) -> Option<Activation> {
        match self {
            Kernel::Stem { activation, .. }
            | Kernel::Pointwise { activation, .. }
            | Kernel::Full { activation, .. }
            | Kernel::Depthwise { activation, .. } => Some(activation),
            _ => None,
        }
    }

    /// How many invocations make this map of that one.
    pub fn invocations(self, [input, output]: [Map; 2]) -> usize {
        let groups = output.channels / 4;
        let tiles = |tile: u32| output.side.div_ceil(tile as usize);
        match self {
            Kernel::Image => output.pixels(),
            Kernel::Stem { width, columns, .. } | Kernel::Full { width, columns, .. } => {
                output.side * tiles(width) * groups / columns as usize
            }
            Kernel::Pointwise { rows, columns, .. } => {
                output.pixels().div_ceil(rows as usize) * (groups / columns as usize)
            }
            Kernel::Depthwise { height, width, .. } => tiles(height) * tiles(width) * groups,
            Kernel::Join => input.pixels() * (input.channels / 4),
            Kernel::MaxPool | Kernel::Scale => output.pixels() * groups,
            Kernel::Pool => groups,
        }
    }
}

/// What a layer ends with. The exponential is kept finite: WGSL need not know infinity.
fn function(activation: Activation) -> &'static str {
    match activation {
        Activation::Linear => "fn activate(v: vec4f) -> vec4f { return v; }\n",
        Activation::Relu => "fn activate(v: vec4f) -> vec4f { return max(v, vec4f()); }\n",
        Activation::Relu6 => "fn activate(v: vec4f) -> vec4f { return clamp(v, vec4f(), vec4f(6.0)); }\n",
        Activation::HardSwish => {
            "fn activate(v: vec4f) -> vec4f { return v * clamp(v / 6.0 + 0.5, vec4f(), vec4f(1.0)); }\n"
        }
        Activation::Silu => {
            "fn activate(v: vec4f) -> vec4f { return v / (1.0 + exp(min(-v, vec4f(80.0)))); }\n"
        }
        Activation::HardSigmoid => {
            "fn activate(v: vec4f) -> vec4f { return clamp(v / 6.0 + 0.5, vec4f(), vec4f(1.0)); }\n"
        }
        Activation::Sigmoid => {
            "fn activate(v: vec4f) -> vec4f { return 1.0 / (1.0 + exp(min(-v, vec4f(80.0)))); }\n"
        }
    }
}
