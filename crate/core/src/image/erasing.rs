//! Random erasing: a rectangle of the view is hidden, so that no single part decides.
//!
//! Zhong et al., "Random Erasing Data Augmentation", arXiv:1708.04896.

use rand::Rng;

use super::Pixels;
use super::random_crop::random_crop;

/// Share of the view that is erased (`s_l` and `s_h` in the paper).
const AREA: [f64; 2] = [0.02, 0.4];
/// Width over height of the rectangle (`r_1` and `r_2` in the paper); drawn log-uniformly, so that lying and standing
/// rectangles are equally frequent.
const RATIO: [f64; 2] = [0.3, 1.0 / 0.3];

/// Fills a random rectangle with the mean colour of the view.
pub(super) fn erase(pixels: &mut Pixels, rng: &mut impl Rng) {
    let colour = mean_colour(pixels);
    let (width, height) = (pixels.width(), pixels.height());
    let region = random_crop(width, height, AREA, RATIO, rng);
    let columns = region.left as usize..(region.left + region.width) as usize;
    let rows = pixels
        .colours_mut()
        .chunks_exact_mut(width as usize)
        .skip(region.top as usize)
        .take(region.height as usize);
    for row in rows {
        if let Some(erased) = row.get_mut(columns.clone()) {
            erased.fill(colour);
        }
    }
}

fn mean_colour(pixels: &Pixels) -> [u8; 3] {
    let count = u64::from(pixels.width()) * u64::from(pixels.height());
    let mut sums = [0; 3];
    for rgb in pixels.colours() {
        for (sum, &value) in sums.iter_mut().zip(rgb) {
            *sum += u64::from(value);
        }
    }
    sums.map(|sum| ((2 * sum + count) / (2 * count)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_rectangle_takes_the_mean_colour() {
        // Rows 0 to 63; the mean of each channel is known: 31.5 rounds to 32.
        let rgb: Vec<u8> = (0..64u8).flat_map(|row| [row, 0, 100].repeat(64)).collect();
        let image = Pixels::from_rgb(64, 64, rgb).unwrap();
        for seed in 0..200 {
            let mut erased = image.clone();
            erase(&mut erased, &mut ChaCha8Rng::seed_from_u64(seed));
            let places: Vec<(usize, usize)> = erased
                .colours()
                .iter()
                .zip(image.colours())
                .enumerate()
                .filter(|(_, (after, before))| after != before)
                .map(|(index, (after, _))| {
                    assert_eq!(*after, [32, 0, 100]);
                    (index % 64, index / 64)
                })
                .collect();
            let columns =
                places.iter().map(|p| p.0).max().unwrap() - places.iter().map(|p| p.0).min().unwrap() + 1;
            let rows =
                places.iter().map(|p| p.1).max().unwrap() - places.iter().map(|p| p.1).min().unwrap() + 1;
            // Row 32 has the mean colour already.
            assert!(places.len() == columns * rows || places.len() == columns * (rows - 1), "{seed}");
            let area = (columns * rows) as f64 / 4096.0;
            assert!((0.01..0.42).contains(&area), "{seed}: {area}");
        }
    }
}
