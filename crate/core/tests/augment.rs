//! Whole views through the public face: options, seeds, sizes.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle::Augment;
use rekindle::image::Pixels;
use sha2::{Digest, Sha256};

/// Smooth colours without symmetry.
fn photo(width: u32, height: u32) -> Pixels {
    let rgb = (0..height).flat_map(|y| {
        (0..width)
            .flat_map(move |x| [x * 255 / width, y * 255 / height, (x * 3 + y * 5) % 256].map(|v| v as u8))
    });
    Pixels::from_rgb(width, height, rgb.collect()).unwrap()
}

/// Options under which a view is the whole image, resized.
fn neutral() -> Augment {
    Augment {
        area: [1.0, 1.0],
        ratio: [1.0, 1.0],
        flip: 0.0,
        rotation: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        saturation: 0.0,
        hue: 0.0,
        erasing: 0.0,
    }
}

#[test]
fn neutral_options_change_nothing() {
    let image = photo(64, 64);
    for seed in 0..5 {
        assert_eq!(neutral().apply(&image, 64, seed).unwrap(), image);
    }
}

#[test]
fn a_certain_flip_mirrors_and_two_are_the_identity() {
    let image = photo(64, 64);
    let flip = Augment { flip: 1.0, ..neutral() };
    let mirrored = flip.apply(&image, 64, 3).unwrap();
    assert_ne!(mirrored, image);
    assert_eq!(mirrored.rgb()[..3], image.rgb()[63 * 3..64 * 3]);
    assert_eq!(flip.apply(&mirrored, 64, 4).unwrap(), image);
}

#[test]
fn half_of_the_views_are_flipped() {
    let image = photo(16, 16);
    let flip = Augment { flip: 0.5, ..neutral() };
    let flipped = (0..2000).filter(|&seed| flip.apply(&image, 16, seed).unwrap() != image).count();
    // Four standard deviations of 2000 draws are 89.
    assert!(flipped.abs_diff(1000) < 90, "{flipped}");
}

#[test]
fn every_option_changes_the_view() {
    let image = photo(80, 60);
    let plain = Augment { ratio: [4.0 / 3.0, 4.0 / 3.0], ..neutral() };
    let base = plain.apply(&image, 48, 7).unwrap();
    for (option, augment) in [
        ("area", Augment { area: [0.3, 0.5], ..plain.clone() }),
        ("ratio", Augment { area: [0.5, 0.5], ratio: [0.5, 2.0], ..plain.clone() }),
        ("flip", Augment { flip: 1.0, ..plain.clone() }),
        ("rotation", Augment { rotation: 90.0, ..plain.clone() }),
        ("brightness", Augment { brightness: 0.5, ..plain.clone() }),
        ("contrast", Augment { contrast: 0.5, ..plain.clone() }),
        ("saturation", Augment { saturation: 0.5, ..plain.clone() }),
        ("hue", Augment { hue: 0.3, ..plain.clone() }),
        ("erasing", Augment { erasing: 1.0, ..plain.clone() }),
    ] {
        assert_ne!(augment.apply(&image, 48, 7).unwrap(), base, "{option}");
    }
}

#[test]
fn a_seed_means_one_view() {
    let image = photo(120, 90);
    let augment = Augment::default();
    let views: Vec<Pixels> = (0..100).map(|seed| augment.apply(&image, 32, seed).unwrap()).collect();
    for (seed, view) in (0..).zip(&views) {
        assert_eq!(augment.apply(&image, 32, seed).unwrap(), *view);
        assert_eq!(views.iter().filter(|other| *other == view).count(), 1, "seed {seed}");
    }
}

/// Every platform makes these bytes. Where the transforms are changed on purpose, so is the digest.
#[test]
fn the_bytes_are_the_same_on_every_platform() {
    let augment = Augment {
        area: [0.3, 0.9],
        ratio: [0.6, 1.6],
        flip: 0.5,
        rotation: 40.0,
        brightness: 0.4,
        contrast: 0.4,
        saturation: 0.4,
        hue: 0.2,
        erasing: 0.5,
    };
    let image = photo(301, 199);
    let mut digest = Sha256::new();
    for seed in 0..50 {
        digest.update(augment.apply(&image, 48, seed).unwrap().rgb());
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "ac34bad87344627e36cc40ebeaa77025b29526e6ccb80eba714282f2bdfe55e5");
}

#[test]
fn no_options_and_no_shape_make_it_fail() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut range = |least: f64, most: f64| least + (most - least) * rng.random::<f64>();
    let shapes =
        [(1, 1), (1, 5000), (5000, 1), (2, 3), (37, 500), (500, 37), (64, 64)].map(|(w, h)| photo(w, h));
    for seed in 0..300 {
        let (area, ratio) = (range(0.05, 1.0), range(0.25, 4.0));
        let augment = Augment {
            area: [area, range(area, 1.0)],
            ratio: [ratio, range(ratio, 4.0)],
            flip: range(0.0, 1.0),
            rotation: range(0.0, 180.0),
            brightness: range(0.0, 1.0),
            contrast: range(0.0, 1.0),
            saturation: range(0.0, 1.0),
            hue: range(0.0, 0.5),
            erasing: range(0.0, 1.0),
        };
        for image in &shapes {
            let size = 1 + seed % 48;
            let view = augment.apply(image, size, seed).unwrap();
            assert_eq!((view.width(), view.height()), (size, size));
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    for size in [0, 10_001, u32::MAX] {
        for augment in [neutral(), Augment { rotation: 180.0, ..neutral() }] {
            assert_eq!(augment.apply(&photo(4, 4), size, 0).unwrap_err().code(), "IMAGE_SHAPE");
        }
    }
}

#[test]
fn options_out_of_range_are_named() {
    assert_eq!(Augment::default().validate(), Ok(()));
    assert_eq!(neutral().validate(), Ok(()));
    let default = Augment::default;
    for (field, expected, augment) in [
        ("area", "within 0.05 to 1", Augment { area: [0.01, 1.0], ..default() }),
        ("area", "within 0.05 to 1", Augment { area: [0.5, 1.01], ..default() }),
        ("area", "[least, most]", Augment { area: [0.9, 0.6], ..default() }),
        ("area", "within 0.05 to 1", Augment { area: [f64::NAN, 0.6], ..default() }),
        ("ratio", "within 0.25 to 4", Augment { ratio: [0.2, 1.0], ..default() }),
        ("ratio", "within 0.25 to 4", Augment { ratio: [1.0, f64::INFINITY], ..default() }),
        ("ratio", "[least, most]", Augment { ratio: [2.0, 0.5], ..default() }),
        ("ratio", "within 0.25 to 4", Augment { ratio: [0.5, f64::NAN], ..default() }),
        ("flip", "0 to 1", Augment { flip: 1.5, ..default() }),
        ("rotation", "0 to 180", Augment { rotation: 180.5, ..default() }),
        ("brightness", "0 to 1", Augment { brightness: -0.1, ..default() }),
        ("contrast", "0 to 1", Augment { contrast: 2.0, ..default() }),
        ("saturation", "0 to 1", Augment { saturation: f64::NAN, ..default() }),
        ("hue", "0 to 0.5", Augment { hue: 0.6, ..default() }),
        ("erasing", "0 to 1", Augment { erasing: f64::NEG_INFINITY, ..default() }),
    ] {
        for error in [augment.validate().unwrap_err(), augment.apply(&photo(4, 4), 8, 0).unwrap_err()] {
            assert_eq!(error.code(), "OPTION_INVALID");
            let message = error.to_string();
            assert!(
                message.contains(&format!("`augment.{field}`")) && message.contains(expected),
                "{message}"
            );
        }
    }
    let message = Augment { rotation: 200.0, ..default() }.validate().unwrap_err().to_string();
    assert_eq!(message, "option `augment.rotation` is 200; it must be a number from 0 to 180");
}

#[test]
fn options_left_out_take_their_defaults_and_misspelt_ones_are_refused() {
    let augment: Augment = serde_json::from_str(r#"{ "rotation": 25, "area": [0.5, 0.9] }"#).unwrap();
    assert_eq!(augment, Augment { rotation: 25.0, area: [0.5, 0.9], ..Augment::default() });
    let all = serde_json::to_string(&Augment::default()).unwrap();
    assert_eq!(serde_json::from_str::<Augment>(&all).unwrap(), Augment::default());
    let error = serde_json::from_str::<Augment>(r#"{ "rotatoin": 25 }"#).unwrap_err();
    assert!(error.to_string().contains("rotatoin"), "{error}");
}
