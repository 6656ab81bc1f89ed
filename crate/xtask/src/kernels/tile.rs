//! A register tile of a 1x1 convolution or of the stem: a few pixels by eight channels stay in registers while all
//! inputs pass. `matrix.rs` of crate `rekindle-kernel` is the same in Rust, and says what the numbers are.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

use super::{LANES, NUMBER, PIXEL, Simd, advance, at, job, limits, relu6};

/// What is done to a sum before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    Linear,
    Relu6,
    Add,
    AddRelu6,
}

impl Finish {
    /// By the number of the job.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Relu6, Self::Add, Self::AddRelu6];

    /// Whether another map is added.
    fn adds(self) -> bool {
        matches!(self, Self::Add | Self::AddRelu6)
    }

    /// Whether the sum is limited to 0..=6.
    pub fn limits(self) -> bool {
        matches!(self, Self::Relu6 | Self::AddRelu6)
    }

    /// Stores a sum, a local, at this place of the tile.
    pub fn store(self, code: &mut InstructionSink<'_>, sum: u32, place: MemArg, [zero, six]: [u32; 2]) {
        if self.adds() {
            code.local_get(sum).local_get(ADDED).v128_load(place).f32x4_add().local_set(sum);
        }
        code.local_get(OUT);
        if self.limits() {
            relu6(code, sum, zero, six);
        } else {
            code.local_get(sum);
        }
        code.v128_store(place);
    }
}

/// A kind of tile.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Bytes from the input of a pixel to that of the next.
    stride: u64,
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
pub const JOB: u32 = 0;
const FIRST: u32 = 1;
const TILES: u32 = 2;
// Addresses of the tile that is next.
pub const INPUT: u32 = 3;
pub const OUT: u32 = 4;
pub const ADDED: u32 = 5;
// What goes from chunk to chunk.
const FROM: u32 = 6;
pub const WEIGHTS: u32 = 7;
const CHUNKS: u32 = 8;
const STEP: u32 = 9;
/// The first of the numbers that only one kind of tile has; its vectors follow.
pub const MORE: u32 = 10;

// Vectors. The weights of an input are no longer needed when the limits of ReLU6 are.
const WEIGHT: [u32; 2] = [MORE, MORE + 1];
const VALUE: u32 = MORE + 2;
const SUMS: u32 = MORE + 3;

/// The function of tiles of so many pixels: `(job, first pixel, how many tiles)`.
pub fn function(simd: Simd, kind: Kind, pixels: u32) -> Function {
    let mut function = Function::new([(MORE - INPUT, ValType::I32), (3 + 2 * pixels, ValType::V128)]);
    let mut code = function.instructions();
    let parts = [(job::INPUT, INPUT, kind.stride), (job::OUT, OUT, PIXEL), (job::ADDED, ADDED, PIXEL)];
    begin(&mut code, &parts);
    code.local_get(JOB).i32_load(at(job::WEIGHTS)).local_set(WEIGHTS);
    for half in 0..2 {
        for pixel in 0..pixels {
            code.local_get(WEIGHTS).v128_load(at(LANES * half)).local_set(sum(pixel, half));
        }
    }
    advance(&mut code, WEIGHTS, PIXEL as i32);
    let vectors = Vectors { weight: WEIGHT, value: VALUE, sums: SUMS };
    chunks(&mut code, kind.stride, kind.depth, pixels, vectors, |code, sums| {
        for (sum, weight) in sums.into_iter().zip(WEIGHT) {
            simd.multiply_add(code, sum, VALUE, weight);
        }
    });

    let [zero, six] = WEIGHT;
    if kind.finish.limits() {
        limits(&mut code, zero, six);
    }
    for (pixel, half) in (0..pixels).flat_map(|pixel| [(pixel, 0), (pixel, 1)]) {
        let place = at(PIXEL * u64::from(pixel) + LANES * half);
        kind.finish.store(&mut code, sum(pixel, half), place, [zero, six]);
    }
    end(&mut code, &parts, pixels);
    function
}

fn sum(pixel: u32, half: u64) -> u32 {
    SUMS + 2 * pixel + half as u32
}

/// The vectors of a tile.
pub struct Vectors {
    /// Of an input, for either half of the panel.
    pub weight: [u32; 2],
    /// An input of a pixel.
    pub value: u32,
    /// The first of two for each pixel.
    pub sums: u32,
}

/// The loop over all inputs of a tile, from the weights on, each of four bytes and `depth` of them in a chunk: `multiply` adds
/// the products of the value with both weights to a pixel's two sums.
pub fn chunks(
    code: &mut InstructionSink<'_>,
    stride: u64,
    depth: u64,
    pixels: u32,
    Vectors { weight, value, sums }: Vectors,
    multiply: impl Fn(&mut InstructionSink<'_>, [u32; 2]),
) {
    code.local_get(INPUT).local_set(FROM);
    code.local_get(JOB).i32_load(at(job::CHUNKS)).local_tee(CHUNKS);
    code.if_(BlockType::Empty).loop_(BlockType::Empty);
    for input in 0..depth {
        for (half, weight) in (0..).zip(weight) {
            code.local_get(WEIGHTS).v128_load(at(PIXEL * input + LANES * half)).local_set(weight);
        }
        for pixel in 0..pixels {
            let place = stride * u64::from(pixel) + NUMBER * input;
            code.local_get(FROM).v128_load32_splat(at(place)).local_set(value);
            multiply(code, [0, 1].map(|half| sums + 2 * pixel + half));
        }
    }
    code.local_get(FROM).local_get(STEP).i32_add().local_set(FROM);
    advance(code, WEIGHTS, (PIXEL * depth) as i32);
    code.local_get(CHUNKS).i32_const(1).i32_sub().local_tee(CHUNKS).br_if(0).end().end();
}

/// Begins the loop over tiles. Each part is an address in the job, its local, and the bytes from pixel to pixel.
pub fn begin(code: &mut InstructionSink<'_>, parts: &[(u64, u32, u64)]) {
    for &(part, local, bytes) in parts {
        code.local_get(JOB).i32_load(at(part));
        code.local_get(FIRST).i32_const(bytes as i32).i32_mul().i32_add().local_set(local);
    }
    // Steps are in numbers or pairs, of four bytes each.
    code.local_get(JOB).i32_load(at(job::STEP)).i32_const(2).i32_shl().local_set(STEP);
    code.loop_(BlockType::Empty);
}

/// Goes on to the next tile, or ends the function.
pub fn end(code: &mut InstructionSink<'_>, parts: &[(u64, u32, u64)], pixels: u32) {
    for &(_, local, bytes) in parts {
        advance(code, local, (bytes * u64::from(pixels)) as i32);
    }
    code.local_get(TILES).i32_const(1).i32_sub().local_tee(TILES).br_if(0).end().end();
}
