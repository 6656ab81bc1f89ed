//! A register tile of a 1x1 convolution of whole numbers: pairs of inputs are multiplied with pairs of weights and added in
//! one instruction, into sums of 32 bits. `integer/mod.rs` of crate `rekindle-kernel` says what the numbers are.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::tile::{self, Finish};
use super::{LANES, NUMBER, PIXEL, Simd, advance, at, job, limits, relu6};

/// Pixels of the largest tile: of V8's 15 registers on x86-64 a pixel takes two, the weights two, a pair of inputs one, and
/// a product that is yet to be added another.
pub const TILE: u32 = 5;

/// Bytes of the pairs of one pixel of a panel.
pub const PIXEL_PAIRS: u64 = PIXEL / 2;

/// Pairs of a pixel of a panel.
const PAIRS: u64 = PIXEL_PAIRS / NUMBER;

// Addresses of the tile that is next; before them are its parameters.
const INPUT: u32 = 3;
const OUT: u32 = 4;
const ADDED: u32 = 5;
const SCALES: u32 = 6;
// What goes from chunk to chunk.
const FROM: u32 = 7;
const WEIGHTS: u32 = 8;
const CHUNKS: u32 = 9;
const STEP: u32 = 10;
const OUTPUTS: u32 = 11;
// Vectors.
const WEIGHT: [u32; 2] = [12, 13];
const VALUE: u32 = 14;
const BIAS: u32 = 15;
const SCALE: u32 = 16;
const ZERO: u32 = 17;
const SIX: u32 = 18;
const SUMS: u32 = 19;

/// The function of tiles of so many pixels: `(job, first pixel, how many tiles)`.
pub fn function(simd: Simd, kind: Finish, pixels: u32) -> Function {
    let vectors = SUMS + 2 * pixels - WEIGHT[0];
    let mut function = Function::new([(WEIGHT[0] - INPUT, ValType::I32), (vectors, ValType::V128)]);
    let mut code = function.instructions();
    let parts = [
        (job::INPUT, INPUT, PIXEL_PAIRS),
        (job::OUT, OUT, PIXEL),
        (job::ADDED, ADDED, PIXEL),
        (job::SCALES, SCALES, NUMBER),
    ];
    tile::begin(&mut code, &parts, STEP);
    for sum in (0..pixels).flat_map(|pixel| [sum(pixel, 0), sum(pixel, 1)]) {
        code.i32_const(0).i32x4_splat().local_set(sum);
    }
    code.local_get(INPUT).local_set(FROM);
    code.local_get(tile::JOB).i32_load(at(job::WEIGHTS)).local_set(WEIGHTS);
    code.local_get(tile::JOB).i32_load(at(job::CHUNKS)).local_tee(CHUNKS);
    code.if_(BlockType::Empty).loop_(BlockType::Empty);
    for pair in 0..PAIRS {
        for (half, weight) in (0..).zip(WEIGHT) {
            code.local_get(WEIGHTS).v128_load(at(PIXEL * pair + LANES * half)).local_set(weight);
        }
        for pixel in 0..pixels {
            let place = PIXEL_PAIRS * u64::from(pixel) + NUMBER * pair;
            code.local_get(FROM).v128_load32_splat(at(place)).local_set(VALUE);
            for (half, weight) in (0..).zip(WEIGHT) {
                let sum = sum(pixel, half);
                code.local_get(sum).local_get(VALUE).local_get(weight).i32x4_dot_i16x8_s().i32x4_add();
                code.local_set(sum);
            }
        }
    }
    code.local_get(FROM).local_get(STEP).i32_add().local_set(FROM);
    advance(&mut code, WEIGHTS, (PIXEL * PAIRS) as i32);
    code.local_get(CHUNKS).i32_const(1).i32_sub().local_tee(CHUNKS).br_if(0).end().end();

    if kind == Finish::Relu6 {
        limits(&mut code, ZERO, SIX);
    }
    code.local_get(tile::JOB).i32_load(at(job::OUTPUTS)).local_set(OUTPUTS);
    for half in 0..2 {
        code.local_get(OUTPUTS).v128_load(at(LANES * half)).local_set(BIAS);
        code.local_get(OUTPUTS).v128_load(at(PIXEL + LANES * half)).local_set(SCALE);
        for pixel in 0..pixels {
            finish(&mut code, simd, kind, pixel, half);
        }
    }
    tile::end(&mut code, &parts, pixels);
    function
}

fn sum(pixel: u32, half: u64) -> u32 {
    SUMS + 2 * pixel + half as u32
}

/// Stores a sum as what it is worth.
fn finish(code: &mut InstructionSink<'_>, simd: Simd, kind: Finish, pixel: u32, half: u64) {
    let (place, sum) = (at(PIXEL * u64::from(pixel) + LANES * half), sum(pixel, half));
    code.local_get(sum).f32x4_convert_i32x4_s();
    code.local_get(SCALES).v128_load32_splat(at(NUMBER * u64::from(pixel))).f32x4_mul().local_set(sum);
    code.local_get(BIAS).local_set(VALUE);
    simd.multiply_add(code, VALUE, sum, SCALE);
    code.local_get(OUT);
    match kind {
        Finish::Linear => code.local_get(VALUE),
        Finish::Add => code.local_get(VALUE).local_get(ADDED).v128_load(place).f32x4_add(),
        Finish::Relu6 => {
            relu6(code, VALUE, ZERO, SIX);
            code
        }
    }
    .v128_store(place);
}
