//! A view cut out of a photo and turned about its centre.

use rekindle_kernel::CropBox;

use super::{Pixels, resample::resample};
use crate::error::Result;

/// Resizes a region to a square of `size` and turns it counter-clockwise about its centre, with bilinear sampling.
///
/// There are no empty corners: they show what lies beside the region in the photo, and where the photo ends its mirror
/// image. The photo itself is read once, at the resolution of the view.
///
/// Sine and cosine come from `libm` and the rest is exact, so that every platform gives the same bytes.
pub(super) fn turned(pixels: &Pixels, region: CropBox, size: u32, degrees: f64) -> Result<Pixels> {
    if degrees == 0.0 || size == 0 {
        return resample(pixels, region, size, size);
    }
    let radians = degrees.to_radians();
    let (sin, cos) = (libm::sin(radians), libm::cos(radians));
    let side = f64::from(size);
    // How far the corners of the turned square stick out, and one pixel for the bilinear filter.
    let reach = (side / 2.0 * (sin.abs() + cos.abs() - 1.0)).ceil().max(0.0) + 1.0;

    let (left, across) = widen(region.left, region.width, f64::from(pixels.width()), side, reach);
    let (top, down) = widen(region.top, region.height, f64::from(pixels.height()), side, reach);
    let (scale_x, scale_y) = (region.width / side, region.height / side);
    let wide = CropBox {
        left: region.left - left * scale_x,
        top: region.top - top * scale_y,
        width: across * scale_x,
        height: down * scale_y,
    };
    let tile = resample(pixels, wide, across as u32, down as u32)?;
    rotate(&tile, [left + side / 2.0, top + side / 2.0].map(fixed), [sin, cos].map(fixed), size)
}

/// Cuts a square of `size`, turned about its centre, out of a tile. Fixed-point numbers, see [`fixed`].
fn rotate(tile: &Pixels, [centre_x, centre_y]: [i64; 2], [sin, cos]: [i64; 2], size: u32) -> Result<Pixels> {
    let offset = |index: u32| i64::from(index) * 2 + 1 - i64::from(size);
    let mut rgb = Vec::with_capacity((size as usize).pow(2) * 3);
    for y in (0..size).map(offset) {
        for x in (0..size).map(offset) {
            // Offsets from the centre are in half pixels.
            rgb.extend(sample(tile, centre_x + (x * cos - y * sin) / 2, centre_y + (x * sin + y * cos) / 2));
        }
    }
    Pixels::from_rgb(size, size, rgb)
}

/// Widens a span of the photo by up to `reach` pixels of the view on each side, as far as the photo goes: how many are
/// added before it, and the whole length.
fn widen(start: f64, length: f64, photo: f64, side: f64, reach: f64) -> (f64, f64) {
    let scale = length / side;
    let before = (start / scale).floor().clamp(0.0, reach);
    let after = ((photo - start - length) / scale).floor().clamp(0.0, reach);
    (before, before + side + after)
}

/// A number with 32 bits behind the point.
fn fixed(number: f64) -> i64 {
    const ONE: f64 = 4_294_967_296.0;
    (number * ONE).round() as i64
}

/// The bilinear value at a point, in pixels from the top left corner of the image with 32 bits behind the point.
fn sample(image: &Pixels, x: i64, y: i64) -> [u8; 3] {
    let (x, weight_x) = split(x);
    let (y, weight_y) = split(y);
    let columns = [x, x + 1].map(|x| mirror(x, image.width()));
    let rows = [y, y + 1].map(|y| mirror(y, image.height()) * image.width() as usize);
    let [top, bottom] = rows.map(|row| {
        let [left, right] = columns
            .map(|column| image.colours().get(row + column).map_or([0; 3], |colour| colour.map(u32::from)));
        blend(left, right, weight_x)
    });
    blend(top, bottom, weight_y).map(|value| ((value + 0x8000) >> 16) as u8)
}

/// The pixel whose centre lies before a point, and how far behind the centre the point is, rounded to 256ths.
fn split(point: i64) -> (i64, u32) {
    const HALF: i64 = 1 << 31;
    const ROUNDING: i64 = 1 << 23;
    let from_centre = (point - HALF + ROUNDING) >> 24;
    (from_centre >> 8, (from_centre & 255) as u32)
}

/// `256 * (a * (1 - weight) + b * weight)`, for a weight in 256ths.
fn blend(a: [u32; 3], b: [u32; 3], weight: u32) -> [u32; 3] {
    let mix = |a: u32, b: u32| a * (256 - weight) + b * weight;
    let ([a0, a1, a2], [b0, b1, b2]) = (a, b);
    [mix(a0, b0), mix(a1, b1), mix(a2, b2)]
}

/// The index inside `0..length` that a coordinate falls on when the image is continued by its mirror images.
fn mirror(index: i64, length: u32) -> usize {
    let length = i64::from(length);
    if (0..length).contains(&index) {
        return index as usize;
    }
    let folded = index.rem_euclid(2 * length);
    folded.min(2 * length - 1 - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! golden {
        ($name:literal) => {
            Pixels::golden(include_bytes!(concat!("../../../../tests/golden/augment/", $name, ".png")))
        };
    }

    fn whole(pixels: &Pixels) -> CropBox {
        CropBox { left: 0.0, top: 0.0, width: pixels.width().into(), height: pixels.height().into() }
    }

    #[test]
    fn turns_as_pillow_does() {
        let photo = golden!("photo");
        for (degrees, expected) in [
            (-100.0, golden!("rotation_-100")),
            (12.0, golden!("rotation_12")),
            (45.0, golden!("rotation_45")),
        ] {
            let turned = turned(&photo, whole(&photo), 48, degrees).unwrap();
            let colours = turned.colours().iter().zip(expected.colours()).enumerate();
            for (index, (found, expected)) in colours {
                let (x, y) = (index as f64 % 48.0 - 23.5, (index / 48) as f64 - 23.5);
                let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 2);
                assert!(near || x.hypot(y) > 22.5, "{degrees} at {x}, {y}: {found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn quarter_turns_are_exact() {
        let photo = golden!("photo");
        // Exif's 8, 3 and 6 are turned upright by a quarter, a half and three quarters counter-clockwise.
        for (degrees, exif_orientation) in [(90.0, 8), (180.0, 3), (-180.0, 3), (-90.0, 6)] {
            let turned = turned(&photo, whole(&photo), 48, degrees).unwrap();
            assert_eq!(turned, photo.clone().oriented(exif_orientation), "{degrees}");
        }
    }

    #[test]
    fn no_rotation_is_a_plain_resize() {
        let photo = golden!("photo");
        assert_eq!(turned(&photo, whole(&photo), 48, 0.0).unwrap(), photo);
        let region = CropBox { left: 5.0, top: 7.0, width: 30.0, height: 21.0 };
        let resized = resample(&photo, region, 24, 24).unwrap();
        assert_eq!(turned(&photo, region, 24, 0.0).unwrap(), resized);
        // The sampling itself changes nothing either.
        assert!(turned(&photo, region, 24, 1e-9).unwrap().distance(&resized) <= 1);
    }

    #[test]
    fn corners_show_what_lies_beside_the_region() {
        // White with a red frame of 30 pixels; the region is the white part.
        let rgb = (0..100 * 100).flat_map(|index: u32| {
            let inside = |place| (30..70).contains(&place);
            let white = inside(index % 100) && inside(index / 100);
            if white { [255, 255, 255] } else { [255, 0, 0] }
        });
        let framed = Pixels::from_rgb(100, 100, rgb.collect()).unwrap();
        let region = CropBox { left: 30.0, top: 30.0, width: 40.0, height: 40.0 };
        let view = turned(&framed, region, 40, 45.0).unwrap();
        let corners = [0, 39, 40 * 39, 40 * 40 - 1].map(|index| view.colours()[index]);
        assert_eq!(corners, [[255, 0, 0]; 4]);
        assert_eq!(view.colours()[40 * 20 + 20], [255, 255, 255]);
    }

    #[test]
    fn there_are_no_empty_corners() {
        for (width, height) in [(50, 50), (1, 1), (2, 300), (300, 1)] {
            let grey = Pixels::from_rgb(width, height, vec![90; (width * height * 3) as usize]).unwrap();
            for degrees in [0.5, 33.0, -45.0, 135.0] {
                let view = turned(&grey, whole(&grey), 32, degrees).unwrap();
                assert!(view.rgb().iter().all(|&value| value == 90), "{width}x{height} by {degrees}");
            }
        }
    }

    #[test]
    fn beyond_the_border_lies_the_mirror_image() {
        let indices: Vec<usize> = (-7..8).map(|index| mirror(index, 3)).collect();
        assert_eq!(indices, [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!(mirror(-1_000_001, 1), 0);
    }
}
