//! The functions that do a job: they cut a row of pixels into tiles, or a panel of eight channels into rows of four.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::{LANES, PIXEL, advance, at, job};

// The parameter.
const JOB: u32 = 0;
// Numbers.
const PIXELS: u32 = 1;
const TILES: u32 = 2;
const SIZE: u32 = 3;
const COUNT: u32 = 4;
const FIRST: u32 = 5;
// Of rows.
const WIDTH: u32 = 1;
const OUTPUTS: u32 = 2;
const RIGHT: u32 = 3;
const INPUT: u32 = 4;
const OUT: u32 = 5;
const SQUARES: u32 = 6;
const ROWS: u32 = 7;
const LOCALS: u32 = 7;

/// The functions of tiles that a job may ask for: those of a kind follow each other, from one pixel to the most, and then
/// those of the next kind.
#[derive(Debug, Clone, Copy)]
pub struct Tiles {
    /// The first of them.
    pub first: u32,
    pub kinds: u32,
    /// Pixels of the largest.
    pub most: u32,
}

impl Tiles {
    /// The first function behind them.
    pub fn end(self) -> u32 {
        self.first + self.kinds * self.most
    }
}

/// A function that does jobs: `(job)`. Kinds after those of tiles are of rows at these strides, each with a function behind those
/// of the tiles.
pub fn function(tiles: Tiles, strides: &[u32]) -> Function {
    let mut function = Function::new([(LOCALS, ValType::I32)]);
    let mut code = function.instructions();
    for (index, &stride) in (0..).zip(strides) {
        let kind = (tiles.kinds + index) as i32;
        code.local_get(JOB).i32_load(at(job::KIND)).i32_const(kind).i32_eq().if_(BlockType::Empty);
        rows(&mut code, stride, tiles.end() + index);
        code.return_().end();
    }
    cut(&mut code, tiles);
    code.end();
    function
}

/// Calls the function of a row for each half of each row.
fn rows(code: &mut InstructionSink<'_>, stride: u32, function: u32) {
    let parts = [
        (job::WIDTH, WIDTH),
        (job::INPUT, INPUT),
        (job::OUT, OUT),
        (job::SQUARES, SQUARES),
        (job::ROWS, ROWS),
    ];
    for (part, local) in parts {
        code.local_get(JOB).i32_load(at(part)).local_set(local);
    }
    code.local_get(WIDTH).i32_eqz().local_get(ROWS).i32_eqz().i32_or();
    code.if_(BlockType::Empty).return_().end();
    match stride {
        1 => code.local_get(WIDTH).local_set(OUTPUTS).i32_const(1),
        // The last output of an even width sees the last column as its right one.
        _ => {
            code.local_get(WIDTH).i32_const(1).i32_add().i32_const(1).i32_shr_u().local_set(OUTPUTS);
            code.local_get(WIDTH).i32_const(1).i32_and()
        }
    }
    .local_set(RIGHT);
    let pixel = PIXEL as i32;
    code.local_get(WIDTH).i32_const(pixel).i32_mul().local_set(WIDTH);
    code.loop_(BlockType::Empty);
    for half in 0..2 {
        let half = LANES as i32 * half;
        for row in 0..3 {
            code.local_get(INPUT).local_get(WIDTH).i32_const(row).i32_mul().i32_add();
            code.i32_const(half).i32_add();
        }
        code.local_get(JOB).i32_load(at(job::WEIGHTS)).i32_const(half).i32_add();
        code.local_get(OUT).i32_const(half).i32_add();
        code.local_get(OUTPUTS).local_get(RIGHT).local_get(SQUARES).call(function);
    }
    code.local_get(INPUT).local_get(WIDTH).i32_const(stride as i32).i32_mul().i32_add().local_set(INPUT);
    for (local, bytes) in [(OUT, pixel), (SQUARES, LANES as i32)] {
        code.local_get(local).local_get(OUTPUTS).i32_const(bytes).i32_mul().i32_add().local_set(local);
    }
    code.local_get(ROWS).i32_const(1).i32_sub().local_tee(ROWS).br_if(0).end();
}

/// Cuts the pixels into tiles as even as they can be, for a tile of one pixel waits for its own sums: so many of one size, then
/// the rest, which are smaller by one.
fn cut(code: &mut InstructionSink<'_>, tiles: Tiles) {
    let most = tiles.most as i32;
    code.local_get(JOB).i32_load(at(job::PIXELS)).local_tee(PIXELS);
    code.i32_eqz().if_(BlockType::Empty).return_().end();
    code.local_get(PIXELS).i32_const(most - 1).i32_add().i32_const(most).i32_div_u().local_set(TILES);
    code.local_get(PIXELS).local_get(TILES).i32_rem_u().local_set(COUNT);
    code.local_get(PIXELS).local_get(TILES).i32_div_u().i32_const(1).i32_add().local_set(SIZE);

    code.loop_(BlockType::Empty);
    code.local_get(COUNT).if_(BlockType::Empty);
    call(code, tiles);
    code.local_get(FIRST).local_get(COUNT).local_get(SIZE).i32_mul().i32_add().local_set(FIRST);
    code.end();
    code.local_get(TILES).local_get(COUNT).i32_sub().local_tee(TILES).local_set(COUNT);
    advance(code, SIZE, -1);
    code.local_get(COUNT).br_if(0).end();
}

/// Calls the function of the job's kind and the size that is asked for.
fn call(code: &mut InstructionSink<'_>, tiles: Tiles) {
    let labels = tiles.kinds * tiles.most;
    // One block a function, the first innermost; its end is where the choice of it leads.
    for _ in 0..=labels {
        code.block(BlockType::Empty);
    }
    code.local_get(JOB).i32_load(at(job::KIND)).i32_const(tiles.most as i32).i32_mul();
    code.local_get(SIZE).i32_add().i32_const(1).i32_sub().br_table(0..labels, labels);
    for label in 0..labels {
        code.end();
        code.local_get(JOB).local_get(FIRST).local_get(COUNT).call(tiles.first + label);
        // Out of the blocks of all that follow.
        code.br(labels - label - 1);
    }
    code.end();
}
