//! 3x3 depthwise convolution with padding 1 and ReLU6: one output row of four channels. The nine taps stay in registers,
//! and every input is loaded once for all of a few outputs that see it. `depthwise.rs` of crate `rekindle-kernel` is the
//! same in Rust.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::{LANES, PIXEL, Simd, advance, at, limits, relu6};

/// Outputs that are computed together. Sums wait for themselves, so that they are to be many; and the rows of a map of an image
/// of 224 pixels are whole groups.
const GROUP: u32 = 7;

/// Outputs that are computed together in other rows, whose ends are computed alone.
const REST: [u32; 3] = [GROUP, 3, 1];

// Parameters.
const ROWS: [u32; 3] = [0, 1, 2];
const WEIGHTS: u32 = 3;
const OUT: u32 = 4;
const OUTPUTS: u32 = 5;
// Whether the last output sees a column on the right of the row.
const RIGHT: u32 = 6;
// Where squares are added.
const SQUARES: u32 = 7;
// Vectors: the taps of a row of the kernel, what they are multiplied with, and sums.
const TAPS: u32 = 8;
const VALUE: u32 = 11;
const SUMS: u32 = 12;
// Taps are no longer needed when the limits of ReLU6 are.
const ZERO: u32 = TAPS;
const SIX: u32 = TAPS + 1;

/// The function of a row: `(three rows, weights, out, outputs, whether the last sees beyond the row, squares)`. There is at
/// least one output.
pub fn function(simd: Simd, stride: u32, squares: bool) -> Function {
    let mut function = Function::new([(SUMS + GROUP - TAPS, ValType::V128)]);
    let mut code = function.instructions();
    let outputs = |outputs, left, right| Outputs { simd, stride, squares, outputs, left, right };
    code.local_get(OUTPUTS).i32_const(GROUP as i32).i32_rem_u().i32_eqz().if_(BlockType::Empty);
    row(&mut code, GROUP, &[GROUP], outputs);
    code.return_().end();
    row(&mut code, 1, &REST, outputs);
    code.end();
    function
}

/// Computes a row: so many outputs at each end, and between them groups of these sizes.
fn row(
    code: &mut InstructionSink<'_>,
    end: u32,
    between: &[u32],
    outputs: impl Fn(u32, bool, bool) -> Outputs,
) {
    let all = end as i32;
    code.local_get(OUTPUTS).i32_const(all).i32_eq().local_get(RIGHT).i32_and().if_(BlockType::Empty);
    outputs(end, true, true).emit(code);
    code.return_().end();

    outputs(end, true, false).emit(code);
    code.local_get(OUTPUTS).i32_const(all).i32_sub();
    code.local_get(RIGHT).i32_const(all).i32_mul().i32_sub().local_set(OUTPUTS);
    for &size in between {
        code.block(BlockType::Empty).loop_(BlockType::Empty);
        code.local_get(OUTPUTS).i32_const(size as i32).i32_lt_u().br_if(1);
        outputs(size, false, false).emit(code);
        advance(code, OUTPUTS, -(size as i32));
        code.br(0).end().end();
    }
    code.local_get(RIGHT).if_(BlockType::Empty);
    outputs(end, false, true).emit(code);
    code.end();
}

/// Neighbouring outputs, and whether the first and the last see beyond the row.
struct Outputs {
    simd: Simd,
    stride: u32,
    /// Whether the squares of the results are added to what there is.
    squares: bool,
    outputs: u32,
    left: bool,
    right: bool,
}

impl Outputs {
    /// Computes them, and moves on to what comes next. The rows' addresses are those of the first column that is seen.
    fn emit(&self, code: &mut InstructionSink<'_>) {
        for output in 0..self.outputs {
            code.local_get(WEIGHTS).v128_load(at(0)).local_set(SUMS + output);
        }
        let last = (self.outputs - 1) * self.stride + 2;
        let columns = u32::from(self.left)..=last - u32::from(self.right);
        for (row, address) in (0..).zip(ROWS) {
            for tap in 0..3 {
                let place = at(PIXEL * u64::from(1 + row * 3 + tap));
                code.local_get(WEIGHTS).v128_load(place).local_set(TAPS + tap);
            }
            for column in columns.clone() {
                let place = PIXEL * u64::from(column - u32::from(self.left));
                code.local_get(address).v128_load(at(place)).local_set(VALUE);
                for output in 0..self.outputs {
                    if let Some(tap @ 0..3) = column.checked_sub(output * self.stride) {
                        self.simd.multiply_add(code, SUMS + output, VALUE, TAPS + tap);
                    }
                }
            }
        }
        limits(code, ZERO, SIX);
        for output in 0..self.outputs {
            let sum = SUMS + output;
            code.local_get(OUT);
            relu6(code, sum, ZERO, SIX);
            code.local_tee(sum).v128_store(at(PIXEL * u64::from(output)));
        }
        if self.squares {
            self.add_squares(code);
        }
        let seen = self.outputs * self.stride - u32::from(self.left);
        for address in ROWS {
            advance(code, address, (PIXEL * u64::from(seen)) as i32);
        }
        advance(code, OUT, (PIXEL * u64::from(self.outputs)) as i32);
    }

    /// Adds the squares of the results, which are where the sums were.
    fn add_squares(&self, code: &mut InstructionSink<'_>) {
        for output in 0..self.outputs {
            let (value, place) = (SUMS + output, at(LANES * u64::from(output)));
            code.local_get(SQUARES).v128_load(place).local_set(VALUE);
            self.simd.multiply_add(code, VALUE, value, value);
            code.local_get(SQUARES).local_get(VALUE).v128_store(place);
        }
        advance(code, SQUARES, (LANES * u64::from(self.outputs)) as i32);
    }
}
