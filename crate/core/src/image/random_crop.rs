//! The region of a random resized crop.

use rand::Rng;
use rekindle_kernel::CropBox;

use super::augment::uniform;

/// Draws a region of an image: ten tries of a share of the area and a log-uniform aspect ratio, then the largest centre
/// region whose ratio is allowed, as torchvision's `RandomResizedCrop.get_params` does.
pub(super) fn random_crop(
    width: u32,
    height: u32,
    area: [f64; 2],
    ratio: [f64; 2],
    rng: &mut impl Rng,
) -> CropBox {
    let (width, height) = (f64::from(width), f64::from(height));
    for _ in 0..10 {
        let target = width * height * uniform(rng, area);
        let aspect = libm::exp(uniform(rng, ratio.map(libm::log)));
        let across = (target * aspect).sqrt().round_ties_even();
        let down = (target / aspect).sqrt().round_ties_even();
        if (1.0..=width).contains(&across) && (1.0..=height).contains(&down) {
            let left = whole(rng, width - across);
            let top = whole(rng, height - down);
            return CropBox { left, top, width: across, height: down };
        }
    }
    centre_crop(width, height, ratio)
}

/// A whole number from 0 to `most`, each equally likely.
fn whole(rng: &mut impl Rng, most: f64) -> f64 {
    uniform(rng, [0.0, most + 1.0]).floor().min(most)
}

fn centre_crop(width: f64, height: f64, [narrowest, widest]: [f64; 2]) -> CropBox {
    let across = width.min((height * widest).round_ties_even().max(1.0));
    let down = height.min((width / narrowest).round_ties_even().max(1.0));
    let centred = |side: f64, kept: f64| ((side - kept) / 2.0).floor();
    CropBox { left: centred(width, across), top: centred(height, down), width: across, height: down }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn crops(width: u32, height: u32, area: [f64; 2], ratio: [f64; 2]) -> Vec<CropBox> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..4000).map(|_| random_crop(width, height, area, ratio, &mut rng)).collect()
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let values: Vec<f64> = values.collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn area_is_uniform_and_ratio_log_uniform() {
        // So chosen that the first try always fits.
        let crops = crops(400, 300, [0.2, 0.5], [0.75, 4.0 / 3.0]);
        let areas: Vec<f64> = crops.iter().map(|c| c.width * c.height / 120_000.0).collect();
        assert!(areas.iter().all(|area| (0.198..0.502).contains(area)));
        // 0.35 and 0.3 / sqrt(12); four standard errors of 4000 draws are 0.0055.
        assert!((mean(areas.iter().copied()) - 0.35).abs() < 0.0055);
        assert!((mean(areas.iter().map(|a| (a - 0.35).powi(2))).sqrt() - 0.0866).abs() < 0.003);

        let logs: Vec<f64> = crops.iter().map(|c| (c.width / c.height).ln()).collect();
        assert!(logs.iter().all(|log| log.abs() < (4.0f64 / 3.0).ln() + 0.01));
        assert!(mean(logs.iter().copied()).abs() < 0.0105);
    }

    #[test]
    fn every_place_is_reached_and_none_outside() {
        let crops = crops(8, 8, [0.2, 0.3], [1.0, 1.0]);
        assert!(crops.iter().all(|c| c.width == 4.0 && c.height == 4.0));
        for place in 0..=4 {
            let share = mean(crops.iter().map(|c| f64::from(u8::from(c.left == f64::from(place)))));
            assert!((share - 0.2).abs() < 0.03, "{place}: {share}");
        }
        assert!(crops.iter().all(|c| (0.0..=4.0).contains(&c.left) && (0.0..=4.0).contains(&c.top)));
    }

    #[test]
    fn what_never_fits_is_cut_from_the_centre() {
        // torchvision: the whole shorter side, and as much of the longer as the ratio allows.
        for (width, height, expected) in [
            (5000, 10, [2493.0, 0.0, 13.0, 10.0]),
            (10, 5000, [0.0, 2493.0, 10.0, 13.0]),
            (5000, 1, [2499.0, 0.0, 1.0, 1.0]),
            (1, 5000, [0.0, 2499.0, 1.0, 1.0]),
            (1, 1, [0.0, 0.0, 1.0, 1.0]),
        ] {
            for c in crops(width, height, [0.6, 1.0], [0.75, 4.0 / 3.0]).into_iter().take(50) {
                assert_eq!([c.left, c.top, c.width, c.height], expected, "{width}x{height}");
            }
        }
    }
}
