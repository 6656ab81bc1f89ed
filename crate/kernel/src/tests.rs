//! Each kernel on each kind of lanes against its definition, at sizes that leave every kind of remainder.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::simd::{Array, Best, Lanes};
use super::*;

/// From -1 to 1, by the seed.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed as u64);
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < 1e-4, "{what}: {a} is not {b} at {at}");
    }
}

/// `[pixels][8]` from the definition of a 1x1 convolution.
fn pointwise_by_definition(input: &[f32], stride: usize, weights: &[f32], pixels: usize) -> Vec<f32> {
    let inputs = weights.len() / PANEL - 1;
    let output = |at: usize| {
        let (pixel, channel) = (at / PANEL, at % PANEL);
        let value = |k: usize| input[k / PANEL * stride + pixel * PANEL + k % PANEL];
        (0..inputs).fold(weights[channel], |sum, k| sum + value(k) * weights[(k + 1) * PANEL + channel])
    };
    (0..pixels * PANEL).map(output).collect()
}

#[test]
fn the_gradient_of_a_1x1_convolution_agrees_with_its_definition() {
    for (inputs, pixels) in [(8, 1), (16, 5), (40, 32)] {
        let stride = 33 * PANEL;
        let (input, mut columns) = (numbers(inputs / PANEL * stride, 1), numbers((pixels + 1) * PANEL, 2));
        columns[..PANEL].fill(0.0);
        let mut found = vec![f32::NAN; inputs * PANEL];
        pointwise_gradient(&input, stride, &columns, &mut found);
        let expected: Vec<f32> = (0..inputs * PANEL)
            .map(|at| {
                let (k, column) = (at / PANEL, at % PANEL);
                let value = |pixel: usize| input[k / PANEL * stride + pixel * PANEL + k % PANEL];
                (0..pixels).map(|pixel| value(pixel) * columns[(pixel + 1) * PANEL + column]).sum()
            })
            .collect();
        assert_close(&found, &expected, "gradient");
    }
}

/// `[outputs][8]` from the definition of a 3x3 depthwise convolution, before ReLU6.
fn depthwise_by_definition(rows: &[Vec<f32>; 3], weights: &[f32], stride: usize) -> Vec<f32> {
    let width = rows[0].len() / PANEL;
    let output = |at: usize| {
        let (x, channel) = (at / PANEL, at % PANEL);
        let mut sum = weights[channel];
        for (tap, column) in (0..9).map(|tap| (tap, (x * stride + tap % 3).wrapping_sub(1))) {
            if column < width {
                sum += rows[tap / 3][column * PANEL + channel] * weights[(1 + tap) * PANEL + channel];
            }
        }
        sum
    };
    (0..width.div_ceil(stride) * PANEL).map(output).collect()
}

fn relu6(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| value.clamp(0.0, 6.0)).collect()
}

/// Runs both loops on lanes that the entries may not choose on this processor.
///
/// # Safety
/// The processor has the instructions of `L`.
unsafe fn lanes<L: Lanes>(name: &str) {
    for pixels in 0..14 {
        let (input, weights) = (numbers(2 * 14 * PANEL, 1), numbers(17 * PANEL, 2));
        let mut out = vec![f32::NAN; pixels * PANEL];
        let job = Tiles {
            input: input.as_ptr(),
            step: 14 * PANEL,
            chunks: 2,
            depth: PANEL,
            weights: weights.as_ptr(),
            out: out.as_mut_ptr(),
            add: std::ptr::null(),
            pixels,
        };
        // SAFETY: two panels of 14 pixels are read, `pixels` are written.
        unsafe { matrix::run::<L, PANEL, { matrix::RELU6 }>(&job) };
        let expected = relu6(&pointwise_by_definition(&input, 14 * PANEL, &weights, pixels));
        assert_close(&out, &expected, &format!("{name}, {pixels} pixels"));
    }
    for (width, stride) in (1..15).flat_map(|width| [(width, 1), (width, 2)]) {
        let rows = [3, 4, 5].map(|seed| numbers(width * PANEL, seed));
        let weights = numbers(DEPTHWISE, 6);
        let mut out = vec![f32::NAN; width.div_ceil(stride) * PANEL];
        let job = depthwise::Row {
            rows: [rows[0].as_ptr(), rows[1].as_ptr(), rows[2].as_ptr()],
            width,
            weights: weights.as_ptr(),
            out: out.as_mut_ptr(),
        };
        // SAFETY: rows have `width` pixels, the output as many as the stride leaves.
        unsafe {
            match stride {
                1 => depthwise::run::<L, 1>(&job),
                _ => depthwise::run::<L, 2>(&job),
            }
        }
        let expected = relu6(&depthwise_by_definition(&rows, &weights, stride));
        assert_close(&out, &expected, &format!("{name}, width {width}, stride {stride}"));
    }
}

#[test]
fn all_lanes_agree_with_the_definitions() {
    // SAFETY: arrays need nothing, `Best` is part of the target, and `fma` is asked for.
    unsafe {
        lanes::<Array>("arrays");
        lanes::<Best>("the target's lanes");
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("fma") {
            lanes::<simd::Fma>("fused multiply-add");
        }
    }
}

#[test]
fn a_sum_is_finished_as_asked() {
    let (input, weights) = (numbers(5 * PANEL, 1), numbers(9 * PANEL, 2));
    let added = numbers(5 * PANEL, 3);
    let plain = pointwise_by_definition(&input, 0, &weights, 5);
    let mut out = vec![0.0; 5 * PANEL];
    pointwise(&input, 0, &weights, Finish::Linear, &mut out);
    assert_close(&out, &plain, "linear");
    pointwise(&input, 0, &weights, Finish::Relu6, &mut out);
    assert_close(&out, &relu6(&plain), "ReLU6");
    pointwise(&input, 0, &weights, Finish::Add(&added), &mut out);
    let sum: Vec<f32> = plain.iter().zip(&added).map(|(a, b)| a + b).collect();
    assert_close(&out, &sum, "added");
}

#[test]
fn slices_that_are_too_short_are_refused_before_anything_is_read() {
    let refused = |call: &mut dyn FnMut()| {
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
    };
    let values = [0.0; 256];
    refused(&mut || pointwise(&values[..15], 0, &values[..72], Finish::Linear, &mut [0.0; 16]));
    refused(&mut || pointwise(&values[..31], 16, &values[..136], Finish::Linear, &mut [0.0; 16]));
    refused(&mut || pointwise(&values, usize::MAX, &values[..136], Finish::Linear, &mut [0.0; 16]));
    refused(&mut || pointwise(&values, 0, &values[..71], Finish::Linear, &mut [0.0; 16]));
    refused(&mut || pointwise(&values, 0, &values[..72], Finish::Add(&values[..15]), &mut [0.0; 16]));
    refused(&mut || stem(&values[..44], 15, &values[..STEM], &mut [0.0; 16]));
    refused(&mut || stem(&values, 15, &values[..STEM - 1], &mut [0.0; 16]));
    let rows = [&values[..24], &values[..24], &values[..24]];
    refused(&mut || depthwise([rows[0], &values[..16], rows[2]], &values[..DEPTHWISE], 1, &mut [0.0; 24]));
    refused(&mut || depthwise(rows, &values[..DEPTHWISE], 1, &mut [0.0; 16]));
    refused(&mut || depthwise(rows, &values[..DEPTHWISE], 2, &mut [0.0; 24]));
    refused(&mut || depthwise(rows, &values[..DEPTHWISE], 3, &mut [0.0; 8]));
    refused(&mut || depthwise(rows, &values[..79], 1, &mut [0.0; 24]));
}
