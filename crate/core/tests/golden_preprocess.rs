//! The evaluation transform against Pillow: `tests/golden/preprocess/README.md` says what is compared and how closely.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::path::{Path, PathBuf};

use rekindle::Spec;
use rekindle::image::{Pixels, Preprocess};
use rekindle::weights::Interpolation;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    input: String,
    input_size: u32,
    crop_pct: f32,
    interpolation: Interpolation,
    expected: String,
    normalised: Vec<f32>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/preprocess")
}

fn cases() -> Vec<Case> {
    serde_json::from_slice(&std::fs::read(folder().join("cases.json")).unwrap()).unwrap()
}

fn read(file: &str) -> Pixels {
    let image = image::open(folder().join(file)).unwrap().into_rgb8();
    Pixels::from_rgb(image.width(), image.height(), image.into_raw()).unwrap()
}

/// The input of a case: a file, or the picture that `make.py` calls a pattern.
fn input(name: &str) -> Pixels {
    match name.strip_prefix("pattern_").and_then(|size| size.split_once('x')) {
        Some((width, height)) => pattern(width.parse().unwrap(), height.parse().unwrap()),
        None => read(&format!("{name}.png")),
    }
}

fn pattern(width: u32, height: u32) -> Pixels {
    let rgb = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [(7 * x + 3 * y) >> 4, (x * y) >> 10, x ^ y]))
        .map(|value| value as u8)
        .collect();
    Pixels::from_rgb(width, height, rgb).unwrap()
}

fn preprocess(input_size: u32, crop_pct: f32) -> Preprocess {
    preprocess_by(Interpolation::Bilinear, input_size, crop_pct)
}

fn preprocess_by(interpolation: Interpolation, input_size: u32, crop_pct: f32) -> Preprocess {
    let spec = Spec {
        arch: "mobilenet_v2".into(),
        tag: "tv_in1k".into(),
        input_size: 224,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        interpolation,
        crop_pct,
        channels: Default::default(),
        precision: Default::default(),
        license: "BSD-3-Clause".into(),
        source: "none".into(),
        sha256: String::new(),
    };
    Preprocess::new(&spec, input_size)
}

#[test]
fn crops_as_pillow_does() {
    let cases = cases();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let preprocess = preprocess_by(case.interpolation, case.input_size, case.crop_pct);
        let crop = preprocess.crop(&input(&case.input)).unwrap();
        let expected = read(&case.expected);
        assert_eq!((crop.width(), crop.height()), (case.input_size, case.input_size));

        let differences: Vec<u8> =
            crop.rgb().iter().zip(expected.rgb()).map(|(a, b)| a.abs_diff(*b)).collect();
        let largest = differences.iter().max().unwrap();
        let share = differences.iter().filter(|&&d| d > 0).count() as f64 / differences.len() as f64;
        println!("{}: largest difference {largest}, {:.1} % differ", case.expected, 100.0 * share);
        let over = differences.iter().filter(|&&d| d > 1).count() as f64 / differences.len() as f64;
        match case.interpolation {
            Interpolation::Bilinear => assert!(*largest <= 1, "{}: {largest}", case.expected),
            Interpolation::Bicubic => {
                assert!(*largest <= 8 && over < 0.005, "{}: {largest}, {over}", case.expected)
            }
        }
        assert!(share < 0.3, "{}: {share}", case.expected);
    }
}

#[test]
fn normalises_as_numpy_does() {
    for case in cases() {
        let expected = read(&case.expected);
        let values = preprocess(case.input_size, case.crop_pct).normalise(&expected);
        assert_eq!(values.len(), expected.rgb().len());
        let row = 3 * case.input_size as usize;
        let middle = &values[case.input_size as usize / 2 * row..][..row];
        let picked: Vec<f32> = middle.chunks(3 * 7).flat_map(|pixels| pixels[..3].to_vec()).collect();
        assert_eq!(picked, case.normalised, "{}", case.expected);
    }
}

#[test]
fn extreme_shapes_give_a_crop() {
    for (width, height) in [(1, 1), (1, 5000), (5000, 1), (2, 3), (1, 2_000_000), (2_000_000, 1)] {
        let colour = [200, 100, 50];
        let rgb = colour.repeat(width as usize * height as usize);
        let crop = preprocess(96, 0.875).crop(&Pixels::from_rgb(width, height, rgb).unwrap()).unwrap();
        assert_eq!((crop.width(), crop.height()), (96, 96));
        assert!(crop.rgb().chunks_exact(3).all(|pixel| pixel == colour), "{width}x{height}");
    }
}

#[test]
fn the_middle_of_a_line_is_kept() {
    // 5000 pixels in a row, black but for the one right of the middle: the crop shows the middle.
    let mut rgb = vec![0; 5000 * 3];
    rgb[2500 * 3..2501 * 3].fill(255);
    let line = |width, height| Pixels::from_rgb(width, height, rgb.clone()).unwrap();
    let wide = preprocess(96, 0.875).crop(&line(5000, 1)).unwrap();
    let row: Vec<u8> = wide.rgb()[..96 * 3].chunks_exact(3).map(|pixel| pixel[0]).collect();
    assert!(row[..20].iter().all(|&v| v < 128) && row[70..].iter().all(|&v| v > 128), "{row:?}");
    let tall = preprocess(96, 0.875).crop(&line(1, 5000)).unwrap();
    let column: Vec<u8> = tall.rgb().chunks_exact(96 * 3).map(|row| row[0]).collect();
    assert_eq!(column, row);
}

#[test]
fn an_input_without_pixels_is_refused() {
    let error = preprocess(0, 0.875).crop(&pattern(4, 4)).unwrap_err();
    assert_eq!(error.code(), "IMAGE_SHAPE");
}

#[test]
fn a_crop_part_that_cannot_be_counts_as_the_whole() {
    let image = read("landscape_301x199.png");
    let whole = preprocess(96, 1.0).crop(&image).unwrap();
    for crop_pct in [0.0, -1.0, 1.5, f32::NAN, f32::INFINITY] {
        assert_eq!(preprocess(96, crop_pct).crop(&image).unwrap(), whole);
    }
    assert_ne!(preprocess(96, 0.875).crop(&image).unwrap(), whole);
}
