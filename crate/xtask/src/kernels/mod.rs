//! The kernels that LLVM cannot be had to compile well, written instruction by instruction: WebAssembly modules of
//! their own, `pkg/dist/wasm/kernels-{relaxed,plain}.wasm`, that work in the memory of the main one.
//!
//! LLVM's WebAssembly back end moves the multiply-adds of a register tile behind all its loads, which then no longer fit
//! the registers. Here a browser's compiler sees them in the order in which they are to be done.

mod job;
mod pairs;
mod row;
mod run;
mod tile;

use std::fs;

use anyhow::{Context, Result};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    InstructionSink, MemArg, MemoryType, Module, TypeSection, ValType,
};

use self::run::Tiles;
use self::tile::Finish;
use crate::layout;
use crate::step::say;

/// Channels of a panel.
const PANEL: u64 = 8;
/// Bytes of a number.
const NUMBER: u64 = 4;
/// Bytes of one pixel of a panel.
const PIXEL: u64 = PANEL * NUMBER;
/// Bytes of four lanes.
const LANES: u64 = 16;

/// The vector instructions that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Simd {
    /// simd128.
    Plain,
    /// simd128 and relaxed SIMD.
    Relaxed,
}

impl Simd {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Relaxed];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Relaxed => "relaxed",
        }
    }

    /// Pixels of the largest tile: V8 leaves 15 registers on x86-64, of which a pixel takes two, the weights two, a value
    /// one, and a product that is yet to be added another.
    fn tile(self) -> u32 {
        match self {
            Self::Plain => 5,
            Self::Relaxed => 6,
        }
    }

    /// `sum += value * weight`, all of them locals.
    fn multiply_add(self, code: &mut InstructionSink<'_>, sum: u32, value: u32, weight: u32) {
        match self {
            Self::Plain => {
                code.local_get(sum).local_get(value).local_get(weight).f32x4_mul().f32x4_add();
            }
            Self::Relaxed => {
                code.local_get(value).local_get(weight).local_get(sum).f32x4_relaxed_madd();
            }
        }
        code.local_set(sum);
    }
}

/// Writes both modules into the package.
///
/// # Errors
/// When a file cannot be written.
pub fn build() -> Result<()> {
    let folder = layout::root().join("pkg/dist/wasm");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for simd in Simd::ALL {
        let (path, bytes) = (folder.join(format!("kernels-{}.wasm", simd.name())), module(simd));
        say(format_args!("{} ({} bytes)", path.display(), bytes.len()));
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A module that imports a memory, `env.memory`. Of what it exports, `run` does a `Job` of crate `rekindle-kernel` that lies
/// there, `run_integers` one of whole numbers, and `prefers_integers` says whether those are the faster ones here.
fn module(simd: Simd) -> Vec<u8> {
    let mut types = TypeSection::new();
    for parameters in [1, 3, 8] {
        types.ty().function(vec![ValType::I32; parameters], []);
    }
    types.ty().function([], [ValType::I32]);
    let [job, tile, row, answer] = [0, 1, 2, 3];
    let memory =
        MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
    let mut imports = ImportSection::new();
    imports.import("env", "memory", EntityType::Memory(memory));

    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut exports = ExportSection::new();
    let mut add = |name: Option<&str>, kind: u32, body: &Function| {
        if let Some(name) = name {
            exports.export(name, ExportKind::Func, functions.len());
        }
        functions.function(kind);
        code.function(body);
    };
    add(Some("prefers_integers"), answer, &prefers_integers(simd));
    let numbers = Tiles { first: 2, kinds: tile::KINDS.len() as u32, most: simd.tile() };
    add(Some("run"), job, &run::function(numbers, &[1, 2, 1, 2]));
    for (kind, pixels) in tile::KINDS.into_iter().flat_map(|kind| (1..=numbers.most).map(move |n| (kind, n)))
    {
        add(None, tile, &tile::function(simd, kind, pixels));
    }
    for (squares, stride) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
        add(None, row, &row::function(simd, stride, squares));
    }
    let integers = Tiles { first: numbers.end() + 5, kinds: Finish::ALL.len() as u32, most: pairs::TILE };
    add(Some("run_integers"), job, &run::function(integers, &[]));
    for (kind, pixels) in Finish::ALL.into_iter().flat_map(|kind| (1..=integers.most).map(move |n| (kind, n)))
    {
        add(None, tile, &pairs::function(simd, kind, pixels));
    }
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module.finish()
}

/// The function that says whether whole numbers are multiplied faster than f32: `() -> 0 or 1`.
///
/// Without multiply-add they always are. With it they are on x86-64, where two products of whole numbers are one
/// instruction, and not on ARM, where they are three. What tells the two apart is an instruction of which the standard
/// leaves open what it makes of a number that is too large: it is the least one on x86-64 and the largest on ARM.
fn prefers_integers(simd: Simd) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    match simd {
        Simd::Plain => code.i32_const(1),
        Simd::Relaxed => code
            .f32_const(3e9.into())
            .f32x4_splat()
            .i32x4_relaxed_trunc_f32x4_s()
            .i32x4_extract_lane(0)
            .i32_const(0)
            .i32_lt_s(),
    };
    code.end();
    function
}

/// The memory at an address and a distance from it, at the alignment of a number.
fn at(offset: u64) -> MemArg {
    MemArg { offset, align: 2, memory_index: 0 }
}

/// Adds a number to a local.
fn advance(code: &mut InstructionSink<'_>, local: u32, by: i32) {
    code.local_get(local).i32_const(by).i32_add().local_set(local);
}

/// Leaves `value` limited to 0..=6 on the stack. pmin and pmax are one instruction on every processor; min and max are
/// several on x86-64.
fn relu6(code: &mut InstructionSink<'_>, value: u32, zero: u32, six: u32) {
    code.local_get(six).local_get(zero).local_get(value).f32x4_pmax().f32x4_pmin();
}

/// Sets the locals that [`relu6`] takes.
fn limits(code: &mut InstructionSink<'_>, zero: u32, six: u32) {
    code.f32_const(0.0.into()).f32x4_splat().local_set(zero);
    code.f32_const(6.0.into()).f32x4_splat().local_set(six);
}

#[cfg(test)]
mod tests {
    use wasmparser::{Validator, WasmFeatures};

    use super::*;

    #[test]
    fn modules_are_valid_and_only_one_needs_relaxed_simd() {
        let old = WasmFeatures::WASM2 - WasmFeatures::RELAXED_SIMD;
        assert!(Validator::new_with_features(old).validate_all(&module(Simd::Plain)).is_ok());
        assert!(Validator::new_with_features(old).validate_all(&module(Simd::Relaxed)).is_err());
        let new = old | WasmFeatures::RELAXED_SIMD;
        assert!(Validator::new_with_features(new).validate_all(&module(Simd::Relaxed)).is_ok());
    }
}
