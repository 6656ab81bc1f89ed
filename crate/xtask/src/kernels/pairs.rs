//! A register tile of a 1x1 convolution of whole numbers: pairs of inputs are multiplied with pairs of weights and added in
//! one instruction, into sums of 32 bits. `integer/mod.rs` of crate `rekindle-kernel` says what the numbers are.

use wasm_encoder::{Function, InstructionSink, ValType};

use super::tile::{self, ADDED, Finish, INPUT, OUT, Vectors};
use super::{LANES, NUMBER, PIXEL, Simd, at, job, limits};

/// Pixels of the largest tile: of V8's 15 registers on x86-64 a pixel takes two, the weights two, a pair of inputs one, and
/// a product that is yet to be added another.
pub const TILE: u32 = 5;

/// Bytes of the pairs of one pixel of a panel.
pub const PIXEL_PAIRS: u64 = PIXEL / 2;

/// Pairs of a pixel of a panel.
const PAIRS: u64 = PIXEL_PAIRS / NUMBER;

// What tiles of f32 do not have: what an input is worth in each pixel, and biases and scales of the outputs.
const SCALES: u32 = tile::MORE;
const OUTPUTS: u32 = tile::MORE + 1;
// Vectors.
const WEIGHT: [u32; 2] = [OUTPUTS + 1, OUTPUTS + 2];
const VALUE: u32 = OUTPUTS + 3;
const BIAS: u32 = OUTPUTS + 4;
const SCALE: u32 = OUTPUTS + 5;
const ZERO: u32 = OUTPUTS + 6;
const SIX: u32 = OUTPUTS + 7;
const SUMS: u32 = OUTPUTS + 8;

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
    tile::begin(&mut code, &parts);
    for sum in (0..pixels).flat_map(|pixel| [sum(pixel, 0), sum(pixel, 1)]) {
        code.i32_const(0).i32x4_splat().local_set(sum);
    }
    code.local_get(tile::JOB).i32_load(at(job::WEIGHTS)).local_set(tile::WEIGHTS);
    let vectors = Vectors { weight: WEIGHT, value: VALUE, sums: SUMS };
    tile::chunks(&mut code, PIXEL_PAIRS, PAIRS, pixels, vectors, |code, sums| {
        // Both products before both sums: x86-64 processors then wait less for the places that products need.
        let products = [BIAS, VALUE];
        for (weight, product) in WEIGHT.into_iter().zip(products) {
            code.local_get(VALUE).local_get(weight).i32x4_dot_i16x8_s().local_set(product);
        }
        for (sum, product) in sums.into_iter().zip(products) {
            code.local_get(sum).local_get(product).i32x4_add().local_set(sum);
        }
    });

    if kind.limits() {
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
    kind.store(code, VALUE, place, [ZERO, SIX]);
}
