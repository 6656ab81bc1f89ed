//! Changes of brightness, contrast, saturation and hue, by the definitions of Pillow's `ImageEnhance` and of
//! torchvision's `adjust_hue`; results are rounded to the nearest value.

use super::Pixels;

/// Multiplies every value by `factor`: a blend with black.
pub(super) fn brightness(pixels: &mut Pixels, factor: f32) {
    blend_with_grey(pixels, 0, factor);
}

/// Multiplies the distance of every value from the image's mean luma by `factor`.
pub(super) fn contrast(pixels: &mut Pixels, factor: f32) {
    let count = u64::from(pixels.width()) * u64::from(pixels.height());
    let sum: u64 = pixels.colours().iter().map(|&rgb| u64::from(luma(rgb))).sum();
    let mean = (2 * sum + count) / (2 * count);
    blend_with_grey(pixels, mean as u8, factor);
}

/// Multiplies the distance of every value from its pixel's luma by `factor`; 0 gives a grey image.
pub(super) fn saturation(pixels: &mut Pixels, factor: f32) {
    for rgb in pixels.colours_mut() {
        let grey = luma(*rgb);
        *rgb = rgb.map(|value| blend(grey, value, factor));
    }
}

/// Turns every hue by a part of the colour circle: a third turns red to green. The value and saturation of HSV stay.
///
/// Smith, "Color gamut transform pairs", SIGGRAPH 1978, with the hue in sixths of the circle.
pub(super) fn hue(pixels: &mut Pixels, turn: f32) {
    let sixths = (turn - turn.floor()) * 6.0;
    for rgb in pixels.colours_mut() {
        *rgb = turn_hue(*rgb, sixths);
    }
}

fn turn_hue(rgb: [u8; 3], sixths: f32) -> [u8; 3] {
    let [r, g, b] = rgb.map(f32::from);
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    if chroma == 0.0 {
        return rgb;
    }
    let hue = if value == r {
        (g - b) / chroma
    } else if value == g {
        (b - r) / chroma + 2.0
    } else {
        (r - g) / chroma + 4.0
    };
    let hue = within_circle(within_circle(hue) + sixths);
    // Each channel falls from the value by the chroma along a trapezoid around the circle; they are 2 sixths apart.
    [5.0, 3.0, 1.0].map(|offset| {
        let place = within_circle(hue + offset);
        (value - chroma * place.min(4.0 - place).clamp(0.0, 1.0) + 0.5) as u8
    })
}

/// A hue in sixths that is at most one turn off, brought into 0 to 6.
fn within_circle(sixths: f32) -> f32 {
    if sixths < 0.0 {
        sixths + 6.0
    } else if sixths >= 6.0 {
        sixths - 6.0
    } else {
        sixths
    }
}

fn blend_with_grey(pixels: &mut Pixels, grey: u8, factor: f32) {
    let mut table = [0; 256];
    for (value, blended) in (0..=255).zip(&mut table) {
        *blended = blend(grey, value, factor);
    }
    for rgb in pixels.colours_mut() {
        *rgb = rgb.map(|value| table[usize::from(value)]);
    }
}

/// `from + factor * (to - from)`; a factor over one goes beyond `to`, as far as eight bits reach.
fn blend(from: u8, to: u8, factor: f32) -> u8 {
    let (from, to) = (f32::from(from), f32::from(to));
    (from + factor * (to - from) + 0.5) as u8
}

/// ITU-R 601 luma in Pillow's 16-bit fixed point.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! golden {
        ($name:literal) => {
            Pixels::golden(include_bytes!(concat!("../../../../tests/golden/augment/", $name, ".png")))
        };
    }

    /// The photo after a change.
    fn changed(change: fn(&mut Pixels, f32), amount: f32) -> Pixels {
        let mut photo = golden!("photo");
        change(&mut photo, amount);
        photo
    }

    #[test]
    fn brightness_contrast_and_saturation_are_pillows() {
        for (change, amount, expected) in [
            (brightness as fn(&mut Pixels, f32), 0.0, golden!("brightness_0.0")),
            (brightness, 0.7, golden!("brightness_0.7")),
            (brightness, 1.6, golden!("brightness_1.6")),
            (contrast, 0.0, golden!("contrast_0.0")),
            (contrast, 0.7, golden!("contrast_0.7")),
            (contrast, 1.6, golden!("contrast_1.6")),
            (saturation, 0.0, golden!("saturation_0.0")),
            (saturation, 0.7, golden!("saturation_0.7")),
            (saturation, 1.6, golden!("saturation_1.6")),
        ] {
            assert!(changed(change, amount).distance(&expected) <= 1, "{amount}");
        }
    }

    #[test]
    fn hue_is_that_of_the_standard_library_of_python() {
        for (turn, expected) in
            [(-0.25, golden!("hue_-0.25")), (0.1, golden!("hue_0.1")), (0.4, golden!("hue_0.4"))]
        {
            assert!(changed(hue, turn).distance(&expected) <= 1, "{turn}");
        }
    }

    #[test]
    fn a_neutral_amount_changes_nothing() {
        let photo = golden!("photo");
        for (change, neutral) in [
            (brightness as fn(&mut Pixels, f32), 1.0),
            (contrast, 1.0),
            (saturation, 1.0),
            (hue, 0.0),
            (hue, 1.0),
        ] {
            assert_eq!(changed(change, neutral), photo);
        }
    }

    #[test]
    fn a_third_of_the_circle_turns_red_to_green_to_blue() {
        for (rgb, turned) in [
            ([255, 0, 0], [0, 255, 0]),
            ([0, 255, 0], [0, 0, 255]),
            ([0, 0, 255], [255, 0, 0]),
            ([200, 100, 100], [100, 200, 100]),
            ([77, 77, 77], [77, 77, 77]),
        ] {
            let mut pixel = Pixels::from_rgb(1, 1, rgb.to_vec()).unwrap();
            hue(&mut pixel, 1.0 / 3.0);
            assert_eq!(pixel.rgb(), turned);
        }
    }

    #[test]
    fn hue_turns_there_and_back() {
        for rgb in [[255, 0, 0], [12, 200, 45], [90, 91, 250], [3, 2, 1]] {
            for turn in [0.02, 0.3, 0.5] {
                let mut pixel = Pixels::from_rgb(1, 1, rgb.to_vec()).unwrap();
                hue(&mut pixel, turn);
                hue(&mut pixel, -turn);
                assert!(pixel.distance(&Pixels::from_rgb(1, 1, rgb.to_vec()).unwrap()) <= 1, "{rgb:?}");
            }
        }
    }
}
