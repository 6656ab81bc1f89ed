//! The function that does a job: it cuts a row of pixels into tiles, or a panel of eight channels into two of four.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::tile::KINDS;
use super::{LANES, PIXEL, Simd, advance, at};

// What lies where in a `Job`, which crate `rekindle-kernel` promises: its kind, then `Tiles` or `Row`.
const KIND_AT: u64 = 0;
const INPUT_AT: u64 = 4;
const STEP_AT: u64 = 8;
const CHUNKS_AT: u64 = 12;
const WEIGHTS_AT: u64 = 20;
const OUT_AT: u64 = 24;
const ADDED_AT: u64 = 28;
const PIXELS_AT: u64 = 32;
const ROWS_AT: [u64; 3] = [4, 8, 12];
const WIDTH_AT: u64 = 16;

// The parameter.
const JOB: u32 = 0;
// Numbers.
const INPUT: u32 = 1;
const CHUNKS: u32 = 2;
const STEP: u32 = 3;
const WEIGHTS: u32 = 4;
const OUT: u32 = 5;
const ADDED: u32 = 6;
const PIXELS: u32 = 7;
const TILES: u32 = 8;
const SIZE: u32 = 9;
/// Tiles that are one pixel larger than `SIZE`.
const LARGER: u32 = 10;
const LOCALS: u32 = 10;

/// The index of the function of a tile; the rows' follow after all of these.
fn tile_function(simd: Simd, kind: usize, pixels: u32) -> u32 {
    1 + kind as u32 * simd.tile() + pixels - 1
}

/// The function: `(job)`.
pub fn function(simd: Simd) -> Function {
    let mut function = Function::new([(LOCALS, ValType::I32)]);
    let mut code = function.instructions();
    let rows = tile_function(simd, KINDS.len(), 1);
    for (stride, function) in [(1, rows), (2, rows + 1)] {
        let kind = KINDS.len() as i32 + stride - 1;
        code.local_get(JOB).i32_load(at(KIND_AT)).i32_const(kind).i32_eq().if_(BlockType::Empty);
        row(&mut code, stride, function);
        code.return_().end();
    }
    tiles(&mut code, simd);
    code.end();
    function
}

/// Calls the function of a row for each half of the panel.
fn row(code: &mut InstructionSink<'_>, stride: i32, function: u32) {
    code.local_get(JOB)
        .i32_load(at(WIDTH_AT))
        .local_tee(PIXELS)
        .i32_eqz()
        .if_(BlockType::Empty)
        .return_()
        .end();
    for half in 0..2 {
        for part in ROWS_AT.into_iter().chain([WEIGHTS_AT, OUT_AT]) {
            code.local_get(JOB).i32_load(at(part)).i32_const(LANES as i32 * half).i32_add();
        }
        match stride {
            1 => code.local_get(PIXELS).i32_const(1),
            // The last output of an even width sees the last column as its right one.
            _ => code
                .local_get(PIXELS)
                .i32_const(1)
                .i32_add()
                .i32_const(1)
                .i32_shr_u()
                .local_get(PIXELS)
                .i32_const(1)
                .i32_and(),
        }
        .call(function);
    }
}

/// Cuts the pixels into tiles as even as they can be, for a tile of one pixel waits for its own sums, and does them.
fn tiles(code: &mut InstructionSink<'_>, simd: Simd) {
    for (part, local) in [
        (INPUT_AT, INPUT),
        (STEP_AT, STEP),
        (CHUNKS_AT, CHUNKS),
        (WEIGHTS_AT, WEIGHTS),
        (OUT_AT, OUT),
        (ADDED_AT, ADDED),
        (PIXELS_AT, PIXELS),
    ] {
        code.local_get(JOB).i32_load(at(part)).local_set(local);
    }
    code.local_get(STEP).i32_const(2).i32_shl().local_set(STEP);
    code.local_get(PIXELS).i32_eqz().if_(BlockType::Empty).return_().end();
    let most = simd.tile() as i32;
    code.local_get(PIXELS).i32_const(most - 1).i32_add().i32_const(most).i32_div_u().local_set(TILES);
    code.local_get(PIXELS).local_get(TILES).i32_div_u().local_set(SIZE);
    code.local_get(PIXELS).local_get(TILES).i32_rem_u().local_set(LARGER);

    code.loop_(BlockType::Empty);
    let labels = KINDS.len() as u32 * simd.tile();
    // One block a kind and size, the first innermost; its end is where the choice of it leads.
    code.block(BlockType::Empty);
    for _ in 0..labels {
        code.block(BlockType::Empty);
    }
    code.local_get(JOB).i32_load(at(KIND_AT)).i32_const(most).i32_mul();
    code.local_get(SIZE).i32_add().local_get(LARGER).i32_const(0).i32_gt_s().i32_add().i32_const(1).i32_sub();
    code.br_table(0..labels, labels);
    for (kind, of) in KINDS.into_iter().enumerate() {
        for pixels in 1..=simd.tile() {
            code.end();
            for parameter in [INPUT, CHUNKS, STEP, WEIGHTS, OUT, ADDED] {
                code.local_get(parameter);
            }
            code.call(tile_function(simd, kind, pixels));
            advance(code, INPUT, (of.stride * u64::from(pixels)) as i32);
            for address in [OUT, ADDED] {
                advance(code, address, (PIXEL * u64::from(pixels)) as i32);
            }
            // Out of the blocks of all that follow.
            code.br(labels - tile_function(simd, kind, pixels));
        }
    }
    code.end();
    advance(code, LARGER, -1);
    code.local_get(TILES).i32_const(1).i32_sub().local_tee(TILES).br_if(0).end();
}
