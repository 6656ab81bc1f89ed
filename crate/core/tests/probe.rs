//! Headers of image files against Pillow, and files that are cut off, damaged, animated or no images at all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle::Error;
use rekindle::image::probe::{Header, probe};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    file: String,
    format: String,
    width: u32,
    height: u32,
    orientation: u8,
    frames: u32,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/probe")
}

fn cases() -> Vec<Case> {
    serde_json::from_slice(&std::fs::read(folder().join("cases.json")).unwrap()).unwrap()
}

fn stills() -> impl Iterator<Item = (Case, Vec<u8>)> {
    cases().into_iter().filter(|case| case.frames == 1).map(|case| {
        let bytes = read(&case.file);
        (case, bytes)
    })
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap()
}

/// The header of a file of 19 x 13 pixels, as all the golden ones are.
fn header(format: &'static str, orientation: u8) -> Header {
    Header { format, width: Some(19), height: Some(13), orientation }
}

/// The reason of a refusal, which must be `IMAGE_DECODE`.
fn refusal(bytes: &[u8]) -> String {
    match probe(bytes) {
        Err(Error::ImageDecode { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Writes over the bytes at a place.
fn patched(mut bytes: Vec<u8>, at: usize, patch: &[u8]) -> Vec<u8> {
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

#[test]
fn reads_what_pillow_reads() {
    let formats: std::collections::BTreeSet<String> = stills().map(|(case, _)| case.format).collect();
    assert_eq!(formats.into_iter().collect::<Vec<_>>(), ["avif", "bmp", "gif", "jpeg", "png", "webp"]);
    for (case, bytes) in stills() {
        let Header { format, width, height, orientation } = probe(&bytes).unwrap();
        assert_eq!(format, case.format, "{}", case.file);
        assert_eq!((width, height), (Some(case.width), Some(case.height)), "{}", case.file);
        assert_eq!(orientation, case.orientation, "{}", case.file);
    }
}

#[test]
fn refuses_animations() {
    let animated: Vec<Case> = cases().into_iter().filter(|case| case.frames > 1).collect();
    assert_eq!(animated.len(), 4);
    for case in animated {
        let reason = refusal(&read(&case.file));
        assert!(reason.contains("is animated"), "{}: {reason}", case.file);
    }
}

#[test]
fn an_animation_of_one_frame_is_a_still() {
    let apng = read("animated.png");
    let frames = find(&apng, b"acTL") + 4;
    assert_eq!(probe(&patched(apng, frames, &[0, 0, 0, 1])).unwrap().format, "png");

    let webp = read("animated.webp");
    let first = find(&webp, b"ANMF");
    let second = first + 4 + find(&webp[first + 4..], b"ANMF");
    assert_eq!(probe(&patched(webp, second, b"XXXX")).unwrap().format, "webp");
}

#[test]
fn every_cut_is_refused() {
    for (case, bytes) in stills() {
        for length in 0..bytes.len() {
            let reason = refusal(&bytes[..length]);
            // From the first bytes alone a format cannot be told.
            assert!(length < 32 || reason.contains("is cut off"), "{} at {length}: {reason}", case.file);
        }
    }
}

#[test]
fn bytes_behind_the_end_do_no_harm() {
    for (case, mut bytes) in stills().filter(|(case, _)| case.format != "avif") {
        let before = probe(&bytes).unwrap();
        bytes.extend(b"\xff\xd8 appended by a phone \0\xff");
        assert_eq!(probe(&bytes).unwrap(), before, "{}", case.file);
    }
}

#[test]
fn a_jpeg_thumbnail_is_not_the_picture() {
    // Exif with orientation 3 in little-endian order (Pillow writes the other), and behind it a whole JPEG of another size.
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0".to_vec();
    let small = read("baseline.jpg");
    let sides = find(&small, b"\xff\xc0") + 5;
    exif.extend(patched(small, sides, &[0, 5, 0, 7]));
    let length = (exif.len() as u16 + 2).to_be_bytes();
    let segment = [&[0xff, 0xe1], &length[..], &exif].concat();

    let plain = read("progressive.jpg");
    let jpeg = [&plain[..2], &segment, &plain[2..]].concat();
    assert_eq!(probe(&jpeg).unwrap(), header("jpeg", 3));
    assert!(refusal(&jpeg[..jpeg.len() - 2]).contains("is cut off"));
}

#[test]
fn orientations_that_do_not_exist_count_as_upright() {
    let jpeg = read("orientation6.jpg");
    // Tag, type SHORT, one value.
    let value = find(&jpeg, b"\x01\x12\0\x03\0\0\0\x01") + 8;
    assert_eq!(jpeg[value..value + 2], [0, 6]);
    for orientation in [[0, 0], [0, 9], [1, 6]] {
        assert_eq!(probe(&patched(jpeg.clone(), value, &orientation)).unwrap().orientation, 1);
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_before_decoding() {
    for (file, marker, skip, zero, huge) in [
        ("baseline.jpg", &b"\xff\xc0"[..], 5, &[0, 0, 0, 7][..], &[0xff, 0xff, 0xff, 0xff][..]),
        (
            "plain.png",
            b"IHDR",
            4,
            &[0, 0, 0, 0, 0, 0, 0, 9],
            &[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
        ),
        ("plain.gif", b"GIF8", 6, &[0, 0, 9, 0], &[0xff, 0xff, 0xff, 0xff]),
        ("plain.bmp", b"BM", 18, &[0, 0, 0, 0, 9, 0, 0, 0], &[0, 0, 0, 0x80, 0, 0, 0, 0x80]),
        ("lossy.webp", b"\x9d\x01\x2a", 3, &[0, 0, 9, 0], &[0xff, 0x3f, 0xff, 0x3f]),
        ("plain.avif", b"ispe", 8, &[0, 0, 0, 0, 0, 0, 0, 9], &[0xff; 8]),
    ] {
        let bytes = read(file);
        let at = find(&bytes, marker) + skip;
        for (sides, part) in [(zero, "a side is zero"), (huge, "100 megapixels")] {
            let error = probe(&patched(bytes.clone(), at, sides)).unwrap_err();
            assert_eq!(error.code(), "IMAGE_SHAPE", "{file}");
            assert!(error.to_string().contains(part), "{file}: {error}");
        }
    }
}

#[test]
fn a_bmp_from_the_top_has_a_negative_height() {
    let bmp = patched(read("plain.bmp"), 22, &(-13i32).to_le_bytes());
    assert_eq!(probe(&bmp).unwrap(), header("bmp", 1));
}

#[test]
fn heic_is_told_from_avif_and_from_video() {
    let avif = read("plain.avif");
    let heic = patched(patched(avif.clone(), 8, b"heic"), 16, b"heic");
    assert_eq!(probe(&heic).unwrap(), header("heic", 1));
    assert!(refusal(&patched(heic, 8, b"hevc")).contains("HEIC file is animated"));
    let video = b"\0\0\0\x14ftypisom\0\0\x02\0mp41\0\0\0\x08mdat";
    assert!(refusal(video).contains("a video"));
    // Without its extents the size is unknown, and the file still an image.
    let extents = find(&avif, b"ispe");
    let hidden = Header { width: None, height: None, ..header("avif", 1) };
    assert_eq!(probe(&patched(avif, extents, b"free")).unwrap(), hidden);
}

#[test]
fn strangers_are_called_by_their_name() {
    let long_text = "Zwölf Boxkämpfer jagen Viktor. ".repeat(100);
    for (bytes, name) in [
        (&b""[..], "the file is empty"),
        (b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "an SVG drawing"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"II*\0\x08\0\0\0", "a TIFF"),
        (b"MM\0*\0\0\0\x08", "a TIFF"),
        (b"PK\x03\x04\x14\0", "a zip archive"),
        (b"8BPS\0\x01", "a Photoshop file"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a sound or video file"),
        (b"BMW makes cars, and this is a text about them.", "a text file"),
        (long_text.as_bytes(), "a text file"),
        (b"label,file\ncat,1.jpg\n", "a text file"),
        (&[0; 64], "not an image of a known format"),
        (&[0xff, 0xfe, 0xfd, 0x80], "not an image of a known format"),
    ] {
        let reason = refusal(bytes);
        assert!(reason.contains(name), "{name}: {reason}");
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut refused = 0;
    for case in cases() {
        let bytes = read(&case.file);
        for _ in 0..2000 {
            let mut mutated = bytes.clone();
            for _ in 0..rng.random_range(1..=6) {
                let at = rng.random_range(0..mutated.len());
                match rng.random_range(0..4) {
                    0 => mutated[at] = rng.random(),
                    1 => mutated[at] = [0x00, 0xff, 0x7f, 0x80][rng.random_range(0..4)],
                    2 => mutated.truncate(at + 1),
                    _ => mutated.insert(at, rng.random()),
                }
            }
            match probe(&mutated) {
                Ok(header) => assert!((1..=8).contains(&header.orientation)),
                Err(error) => {
                    assert!(matches!(error.code(), "IMAGE_DECODE" | "IMAGE_SHAPE"), "{error}");
                    refused += 1;
                }
            }
        }
    }
    // Most changes that the walk can see are seen.
    assert!(refused > 20_000, "{refused}");
    for length in 0..300 {
        let noise: Vec<u8> = (0..length).map(|_| rng.random()).collect();
        assert!(probe(&noise).is_err());
    }
}
