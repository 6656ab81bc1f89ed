//! A register tile of a 1x1 convolution or of the stem: a few pixels by eight channels stay in registers while all
//! inputs pass. `matrix.rs` of crate `rekindle-kernel` is the same in Rust, and says what the numbers are.

use wasm_encoder::{BlockType, Function, ValType};

use super::{LANES, NUMBER, PIXEL, Simd, advance, at, limits, relu6};

/// What is done to a sum before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    Linear,
    Relu6,
    Add,
}

/// A kind of tile.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Bytes from the input of a pixel to that of the next.
    pub stride: u64,
    /// Inputs of a chunk.
    depth: u64,
    finish: Finish,
}

/// By the number of the job: `Linear`, `Relu6`, `Add`, `Gradient`, `Stem`.
pub const KINDS: [Kind; 5] = [
    Kind { stride: PIXEL, depth: 8, finish: Finish::Linear },
    Kind { stride: PIXEL, depth: 8, finish: Finish::Relu6 },
    Kind { stride: PIXEL, depth: 8, finish: Finish::Add },
    Kind { stride: NUMBER, depth: 1, finish: Finish::Linear },
    Kind { stride: 6 * NUMBER, depth: 9, finish: Finish::Relu6 },
];

// Parameters.
const INPUT: u32 = 0;
const CHUNKS: u32 = 1;
const STEP: u32 = 2;
const WEIGHTS: u32 = 3;
const OUT: u32 = 4;
const ADDED: u32 = 5;
// Vectors. The weights of an input are no longer needed when the limits of ReLU6 are.
const WEIGHT: [u32; 2] = [6, 7];
const VALUE: u32 = 8;
const SUMS: u32 = 9;

/// The function of a tile of so many pixels: `(input, chunks, bytes from chunk to chunk, weights, out, added)`.
pub fn function(simd: Simd, kind: Kind, pixels: u32) -> Function {
    let mut function = Function::new([(3 + 2 * pixels, ValType::V128)]);
    let mut code = function.instructions();
    let sum = |pixel: u32, half: usize| SUMS + 2 * pixel + half as u32;
    for half in 0..2 {
        for pixel in 0..pixels {
            code.local_get(WEIGHTS).v128_load(at(LANES * half as u64)).local_set(sum(pixel, half));
        }
    }
    advance(&mut code, WEIGHTS, PIXEL as i32);
    code.local_get(CHUNKS).if_(BlockType::Empty).loop_(BlockType::Empty);
    for input in 0..kind.depth {
        for (half, weight) in WEIGHT.into_iter().enumerate() {
            code.local_get(WEIGHTS).v128_load(at(PIXEL * input + LANES * half as u64)).local_set(weight);
        }
        for pixel in 0..pixels {
            let place = kind.stride * u64::from(pixel) + NUMBER * input;
            code.local_get(INPUT).v128_load32_splat(at(place)).local_set(VALUE);
            for (half, weight) in WEIGHT.into_iter().enumerate() {
                simd.multiply_add(&mut code, sum(pixel, half), VALUE, weight);
            }
        }
    }
    code.local_get(INPUT).local_get(STEP).i32_add().local_set(INPUT);
    advance(&mut code, WEIGHTS, (PIXEL * kind.depth) as i32);
    code.local_get(CHUNKS).i32_const(1).i32_sub().local_tee(CHUNKS).br_if(0).end().end();

    let [zero, six] = WEIGHT;
    if kind.finish == Finish::Relu6 {
        limits(&mut code, zero, six);
    }
    for (pixel, half) in (0..pixels).flat_map(|pixel| [(pixel, 0), (pixel, 1)]) {
        let place = at(PIXEL * u64::from(pixel) + LANES * half as u64);
        code.local_get(OUT);
        match kind.finish {
            Finish::Linear => code.local_get(sum(pixel, half)),
            Finish::Relu6 => {
                relu6(&mut code, sum(pixel, half), zero, six);
                &mut code
            }
            Finish::Add => code.local_get(sum(pixel, half)).local_get(ADDED).v128_load(place).f32x4_add(),
        }
        .v128_store(place);
    }
    code.end();
    function
}
