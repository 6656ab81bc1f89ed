//! 3x3 depthwise convolution with padding 1 and ReLU6: one output row of eight channels.

use super::simd::Lanes;

/// One output row; a row outside the image is a row of zeros.
#[repr(C)]
pub struct Row {
    /// Rows above, at and below, `[width][8]` each.
    pub rows: [*const f32; 3],
    pub width: usize,
    /// `[bias 8 | 9 taps x 8]`.
    pub weights: *const f32,
    /// `[width / STRIDE rounded up][8]`.
    pub out: *mut f32,
}

/// Computes the row.
///
/// # Safety
/// The processor has the instructions of `L`; the addresses are valid for as many f32 as [`Row`] says.
#[inline(always)]
pub unsafe fn run<L: Lanes, const STRIDE: usize>(job: &Row) {
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
/// As [`run`]; the outputs' columns are inside the row.
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
/// As [`run`]; `at` is one of the outputs.
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
