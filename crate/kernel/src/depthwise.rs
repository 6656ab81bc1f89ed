//! 3x3 depthwise convolution with padding 1 on the left and right, and ReLU6: rows of eight channels.

use super::simd::Lanes;

/// Neighbouring output rows.
#[repr(C)]
pub struct Rows {
    /// The rows that they see, one after the other, `[width][8]` each: three for the first, `STRIDE` more for each other.
    pub input: *const f32,
    pub width: usize,
    pub rows: usize,
    /// `[rows][outputs][4]`, where squares are added; null where they are not.
    pub squares: *mut f32,
    /// `[bias 8 | 9 taps x 8]`.
    pub weights: *const f32,
    /// `[rows][outputs][8]`: outputs are `width / STRIDE` rounded up.
    pub out: *mut f32,
}

/// One output row; a row outside the image is a row of zeros.
struct Row {
    /// Rows above, at and below, `[width][8]` each.
    rows: [*const f32; 3],
    width: usize,
    /// `[bias 8 | 9 taps x 8]`.
    weights: *const f32,
    /// `[width / STRIDE rounded up][8]`.
    out: *mut f32,
}

/// Computes the rows, and adds the squares of what they hold where there is a place for them.
///
/// # Safety
/// The processor has the instructions of `L`; the addresses are valid for as many f32 as [`Rows`] says.
#[inline(always)]
pub unsafe fn run<L: Lanes, const STRIDE: usize>(job: &Rows) {
    let (width, outputs) = (job.width, job.width.div_ceil(STRIDE));
    for index in 0..job.rows {
        // SAFETY: the caller's contract; the row's inputs and outputs are some of the job's.
        unsafe {
            let above = job.input.add(index * STRIDE * width * 8);
            let rows = [above, above.add(width * 8), above.add(2 * width * 8)];
            let out = job.out.add(index * outputs * 8);
            row::<L, STRIDE>(&Row { rows, width, weights: job.weights, out });
            for output in (0..outputs).filter(|_| !job.squares.is_null()) {
                let to = job.squares.add((index * outputs + output) * 4);
                let [first, second] = [L::load(out.add(output * 8)), L::load(out.add(output * 8 + 4))];
                L::load(to).mul_add(first, first).mul_add(second, second).store(to);
            }
        }
    }
}

/// Computes a row.
///
/// # Safety
/// As [`run`], for what [`Row`] says.
#[inline(always)]
unsafe fn row<L: Lanes, const STRIDE: usize>(job: &Row) {
    let outputs = job.width.div_ceil(STRIDE);
    // Outputs whose three columns are all inside the row.
    let inside = 1..job.width.saturating_sub(2) / STRIDE + 1;
    for half in (0..8).step_by(4) {
        let mut at = 0;
        // SAFETY: the caller's contract; `group` is called only where its columns are inside.
        unsafe {
            while at < outputs {
                if inside.contains(&at) && inside.contains(&(at + 3)) {
                    group::<L, 4, STRIDE>(job, at, half);
                    at += 4;
                } else if inside.contains(&at) && inside.contains(&(at + 1)) {
                    group::<L, 2, STRIDE>(job, at, half);
                    at += 2;
                } else {
                    edge::<L, STRIDE>(job, at, half);
                    at += 1;
                }
            }
        }
    }
}

/// Computes `N` neighbouring outputs of four channels; every input is loaded once for all outputs that see it.
///
/// # Safety
/// As [`row`]; the outputs' columns are inside the row.
#[inline(always)]
unsafe fn group<L: Lanes, const N: usize, const STRIDE: usize>(job: &Row, at: usize, half: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [L::load(job.weights.add(half)); N];
        for (row, input) in job.rows.iter().enumerate() {
            let input = input.add((at * STRIDE - 1) * 8 + half);
            let tap = |column: usize| L::load(job.weights.add((1 + row * 3 + column) * 8 + half));
            let taps = [tap(0), tap(1), tap(2)];
            for column in 0..(N - 1) * STRIDE + 3 {
                let value = L::load(input.add(column * 8));
                for (output, sum) in sums.iter_mut().enumerate() {
                    if let Some(tap) = column.checked_sub(output * STRIDE).and_then(|tap| taps.get(tap)) {
                        *sum = sum.mul_add(value, *tap);
                    }
                }
            }
        }
        for (output, sum) in sums.iter().enumerate() {
            sum.relu6().store(job.out.add((at + output) * 8 + half));
        }
    }
}

/// Computes one output of four channels, columns outside the row left out.
///
/// # Safety
/// As [`row`]; `at` is one of the outputs.
#[inline(always)]
unsafe fn edge<L: Lanes, const STRIDE: usize>(job: &Row, at: usize, half: usize) {
    // SAFETY: the caller's contract; columns outside are skipped.
    unsafe {
        let mut sum = L::load(job.weights.add(half));
        for (row, input) in job.rows.iter().enumerate() {
            for tap in 0..3 {
                let column = at * STRIDE + tap;
                if (1..=job.width).contains(&column) {
                    let value = L::load(input.add((column - 1) * 8 + half));
                    sum = sum.mul_add(value, L::load(job.weights.add((1 + row * 3 + tap) * 8 + half)));
                }
            }
        }
        sum.relu6().store(job.out.add(at * 8 + half));
    }
}
