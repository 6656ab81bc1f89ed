//! The region of a random resized crop.

use fast_image_resize::CropBox;
use rand::Rng;

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
