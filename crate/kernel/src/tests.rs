//! Each kernel on each kind of lanes against its definition, at sizes that leave every kind of remainder.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::integer::Sign;
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

/// `[rows][outputs][8]` from the definition of a 3x3 depthwise convolution, before ReLU6.
fn depthwise_by_definition(
    input: &[f32],
    width: usize,
    weights: &[f32],
    stride: usize,
    rows: usize,
) -> Vec<f32> {
    let outputs = width.div_ceil(stride);
    let output = |at: usize| {
        let (row, x, channel) = (at / PANEL / outputs, at / PANEL % outputs, at % PANEL);
        let mut sum = weights[channel];
        for (tap, column) in (0..9).map(|tap| (tap, (x * stride + tap % 3).wrapping_sub(1))) {
            if column < width {
                let place = (row * stride + tap / 3) * width + column;
                sum += input[place * PANEL + channel] * weights[(1 + tap) * PANEL + channel];
            }
        }
        sum
    };
    (0..rows * outputs * PANEL).map(output).collect()
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
    for (width, stride, rows) in
        (1..15).flat_map(|width| [(width, 1, 1), (width, 1, 3), (width, 2, 1), (width, 2, 2)])
    {
        let input = numbers(((rows - 1) * stride + 3) * width * PANEL, 3);
        let weights = numbers(DEPTHWISE, 6);
        let pixels = rows * width.div_ceil(stride);
        let (mut out, mut squares) = (vec![f32::NAN; pixels * PANEL], vec![[0.25; 4]; pixels]);
        let job = Rows {
            input: input.as_ptr(),
            width,
            rows,
            squares: squares.as_mut_ptr().cast(),
            weights: weights.as_ptr(),
            out: out.as_mut_ptr(),
        };
        // SAFETY: the input has all rows that are seen, the outputs as many as the stride leaves.
        unsafe {
            match stride {
                1 => depthwise::run::<L, 1>(&job),
                _ => depthwise::run::<L, 2>(&job),
            }
        }
        let expected = relu6(&depthwise_by_definition(&input, width, &weights, stride, rows));
        let what = format!("{name}, {rows} rows of {width}, stride {stride}");
        assert_close(&out, &expected, &what);
        let squared = expected
            .as_chunks::<PANEL>()
            .0
            .iter()
            .map(|pixel| pixel.iter().map(|x| x * x).sum::<f32>() + 1.0);
        let found: Vec<f32> = squares.iter().map(|four| four.iter().sum()).collect();
        assert_close(&found, &squared.collect::<Vec<_>>(), &what);
        // SAFETY: as above; nothing is done with squares.
        unsafe {
            match stride {
                1 => depthwise::run::<L, 1>(&Rows { squares: std::ptr::null_mut(), ..job }),
                _ => depthwise::run::<L, 2>(&Rows { squares: std::ptr::null_mut(), ..job }),
            }
        }
        assert_close(&out, &expected, &what);
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
    let weights = &values[..DEPTHWISE];
    refused(&mut || depthwise(&values[..71], 3, weights, 1, None, &mut [0.0; 24]));
    refused(&mut || depthwise(&values[..80], 3, weights, 1, None, &mut [0.0; 24]));
    refused(&mut || depthwise(&values[..72], 3, weights, 1, None, &mut [0.0; 16]));
    refused(&mut || depthwise(&values[..72], 3, weights, 1, None, &mut [0.0; 48]));
    refused(&mut || depthwise(&values[..72], 3, weights, 2, None, &mut [0.0; 24]));
    refused(&mut || depthwise(&values[..72], 3, weights, 3, None, &mut [0.0; 8]));
    refused(&mut || depthwise(&values[..72], 3, &values[..79], 1, None, &mut [0.0; 24]));
    refused(&mut || depthwise(&values[..72], 3, weights, 1, Some(&mut [[0.0; 4]; 2]), &mut [0.0; 24]));
    let weights =
        integer::Weights::new(&values[..128], &values[..8], &(0..16).collect::<Vec<_>>(), Sign::Any);
    let mut rounding = integer::Rounding::default();
    refused(&mut || {
        integer::Rounding::default().round(&values[..31], 16, 16, 2);
    });
    let input = rounding.round(&values[..32], 16, 16, 2);
    refused(&mut || integer::pointwise(input, &weights, 1, Finish::Linear, &mut [0.0; 16]));
    refused(&mut || integer::pointwise(input, &weights, 0, Finish::Linear, &mut [0.0; 24]));
    refused(&mut || integer::pointwise(input, &weights, 0, Finish::Add(&values[..15]), &mut [0.0; 16]));
    assert!(input.from(3).is_none());
    let weights =
        integer::Weights::new(&[0.0; 8 * 336], &values[..8], &(0..336).collect::<Vec<_>>(), Sign::Any);
    let other = rounding.round(&[0.0; 2 * 400], 16, 400, 2);
    refused(&mut || integer::pointwise(other, &weights, 0, Finish::Linear, &mut [0.0; 16]));
}

/// One panel in whole numbers of `[inputs / 8][pixels][8]` and `[bias 8 | inputs x 8]`.
fn pointwise_of_integers(input: &[f32], weights: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let positive = input.iter().all(|value| *value >= 0.0);
    let inputs = weights.len() / PANEL - 1;
    let pixels = input.len() / inputs;
    // As layers have them: `[outputs][inputs]`.
    let weight: Vec<f32> =
        (0..PANEL * inputs).map(|at| weights[(at % inputs + 1) * PANEL + at / inputs]).collect();
    let order: Vec<usize> = (0..inputs).collect();
    let weights = integer::Weights::new(
        &weight,
        &weights[..PANEL],
        &order,
        if positive { Sign::Positive } else { Sign::Any },
    );
    let mut out = vec![f32::NAN; pixels * PANEL];
    let mut rounding = integer::Rounding::default();
    let input = rounding.round(input, pixels * PANEL, inputs, pixels);
    integer::pointwise(input, &weights, 0, finish, &mut out);
    out
}

#[test]
fn whole_numbers_are_as_far_off_as_their_rounding_is() {
    for (inputs, pixels) in [(8, 1), (16, 5), (96, 7), (960, 3)] {
        let (mut input, weights) = (numbers(inputs * pixels, 1), numbers((inputs + 1) * PANEL, 2));
        // Each pixel has its own scale.
        for (at, value) in input.iter_mut().enumerate() {
            *value *= 10f32.powi((at / PANEL % pixels) as i32 * 3 - 6);
        }
        let found = pointwise_of_integers(&input, &weights, Finish::Linear);
        let expected = pointwise_by_definition(&input, pixels * PANEL, &weights, pixels);
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| x * x).sum::<f32>().sqrt();
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let (pixel, channel) = (at / PANEL, at % PANEL);
            let of_input =
                norm(&mut (0..inputs).map(|k| input[(k / PANEL * pixels + pixel) * PANEL + k % PANEL]));
            let of_weights = norm(&mut (1..=inputs).map(|k| weights[k * PANEL + channel]));
            // Half a whole number for each input of a part and one for each weight, if all were off in the same direction.
            let part = inputs.min(160) as f32;
            let most = of_input * of_weights * part.sqrt() * (0.5 / 32_600.0 + 1.0 / 32_766.0);
            let difference = (found - expected).abs();
            assert!(difference <= most + 1e-6, "{inputs} inputs, at {at}: {found} is not {expected}");
        }
        assert_ne!(found, expected, "nothing was rounded");
    }
}

#[test]
fn no_sum_of_whole_numbers_is_too_large() {
    // The largest sum that there can be for its norms: inputs that are their weights, one or many.
    for inputs in [8, 64, 128, 136, 960] {
        for value in [1e-6f32, 1.0, 3e8] {
            for given in [1, inputs] {
                let mut input = vec![0.0; inputs];
                input[..given].fill(value);
                let mut weights = vec![0.0; (inputs + 1) * PANEL];
                weights[PANEL..(given + 1) * PANEL].fill(-value);
                // Where no input is less than zero, as many weights of the other sign take nothing of the bound.
                weights[(given + 1) * PANEL..].fill(value);
                let found = pointwise_of_integers(&input, &weights, Finish::Linear);
                let expected = -value * value * given as f32;
                for found in found {
                    assert!(
                        (found / expected - 1.0).abs() < 1e-3,
                        "{given} of {inputs}: {found}, {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn whole_numbers_of_nothing_and_of_too_much() {
    let weights = numbers(17 * PANEL, 2);
    assert_eq!(pointwise_of_integers(&[0.0; 16], &weights, Finish::Linear), weights[..PANEL]);
    let mut zeros = weights.clone();
    zeros[PANEL..].fill(0.0);
    assert_eq!(pointwise_of_integers(&numbers(16, 1), &zeros, Finish::Linear), weights[..PANEL]);
    for wrong in [f32::NAN, f32::INFINITY] {
        let mut input = numbers(16, 1);
        input[3] = wrong;
        let found = pointwise_of_integers(&input, &weights, Finish::Linear);
        assert!(found.iter().all(|value| !value.is_finite()), "{wrong} gave {found:?}");
    }
}

#[test]
fn sums_of_whole_numbers_are_finished_as_asked() {
    let added = numbers(5 * PANEL, 3);
    for inputs in [16, 272] {
        let (input, weights) = (numbers(5 * inputs, 1), numbers((inputs + 1) * PANEL, 2));
        let plain = pointwise_of_integers(&input, &weights, Finish::Linear);
        assert_eq!(pointwise_of_integers(&input, &weights, Finish::Relu6), relu6(&plain));
        let sum: Vec<f32> = plain.iter().zip(&added).map(|(a, b)| a + b).collect();
        let found = pointwise_of_integers(&input, &weights, Finish::Add(&added));
        assert_close(&found, &sum, &format!("{inputs} inputs"));
    }
}
