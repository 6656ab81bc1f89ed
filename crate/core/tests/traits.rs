//! Perceptual hashes of real photos: versions of one are near, different ones are not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{brighten, thumbnail};
use image::{ImageReader, RgbImage};
use rekindle::Pixels;
use rekindle::image::Traits;

fn traits(image: RgbImage) -> Traits {
    Traits::of(&Pixels::from_rgb(image.width(), image.height(), image.into_raw()).unwrap()).unwrap()
}

/// The sample photos of the page.
fn photos() -> Vec<RgbImage> {
    let mut photos = Vec::new();
    for label in ["fish", "mammal", "tool"] {
        let folder = format!("{}/../../www/public/samples/{label}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(folder).unwrap() {
            photos.push(ImageReader::open(entry.unwrap().path()).unwrap().decode().unwrap().into_rgb8());
        }
    }
    assert!(photos.len() > 40);
    photos
}

/// At half the size and low quality.
fn compressed(photo: &RgbImage) -> RgbImage {
    let mut file = Vec::new();
    let small = thumbnail(photo, photo.width() / 2, photo.height() / 2);
    JpegEncoder::new_with_quality(&mut file, 50).encode_image(&small).unwrap();
    image::load_from_memory(&file).unwrap().into_rgb8()
}

fn brighter(photo: &RgbImage) -> RgbImage {
    brighten(photo, 20)
}

#[test]
fn versions_of_a_photo_are_near_and_other_photos_are_not() {
    let photos = photos();
    let whole: Vec<Traits> = photos.iter().cloned().map(traits).collect();
    for (name, version) in [("compressed", compressed as fn(&RgbImage) -> RgbImage), ("brighter", brighter)] {
        let near =
            photos.iter().zip(&whole).filter(|(photo, own)| traits(version(photo)).is_near(own)).count();
        assert!(near * 10 >= photos.len() * 9, "{name}: {near} of {}", photos.len());
    }
    for (place, own) in whole.iter().enumerate() {
        assert!(own.is_same(own) && !own.is_blank());
        assert!(whole[..place].iter().all(|other| !own.is_near(other)), "photo {place}");
    }
}

#[test]
fn equal_pixels_are_the_same_and_one_other_is_not() {
    let photo = photos().swap_remove(0);
    let mut altered = photo.clone();
    altered.get_pixel_mut(5, 5).0[1] ^= 1;
    let (own, altered) = (traits(photo.clone()), traits(altered));
    assert!(own.is_same(&traits(photo)));
    assert_eq!(Traits::from_bytes(&own.to_bytes()), Ok(own));
    assert_eq!(Traits::from_bytes(&own.to_bytes()[1..]).unwrap_err().code(), "INTERNAL");
    assert!(!own.is_same(&altered) && own.is_near(&altered));
}

#[test]
fn an_even_image_is_blank_and_like_no_other() {
    let even = |value| traits(RgbImage::from_pixel(40, 30, image::Rgb([value; 3])));
    assert!(even(0).is_blank() && even(200).is_blank());
    assert!(even(0).is_near(&even(0)) && !even(0).is_near(&even(200)));
    let tiny = traits(RgbImage::from_fn(1, 2, |_, y| image::Rgb([y as u8 * 255; 3])));
    assert!(!tiny.is_blank());
}
