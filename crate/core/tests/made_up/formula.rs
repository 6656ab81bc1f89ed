//! Weights of any architecture by one deterministic formula; `tests/golden/backbones/make.py` has the same.

use rekindle::backbone::Source;

/// What timm's files have and torchvision's have not.
const TIMM_STEM: &str = "conv_stem.weight";

/// `count` numbers from -1 to 1: the name's FNV-1a hash plus the index, through SplitMix64. The same is in `make.py`.
pub fn formula(name: &str, count: usize) -> impl Iterator<Item = f64> + use<> {
    let hash = name
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
    (1..=count as u64).map(move |index| {
        let z = hash.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// Weights by the formula, under the names of a library.
pub struct Formula {
    /// Whether they are timm's; torchvision's otherwise.
    pub timm: bool,
}

impl Source for Formula {
    fn has(&self, name: &str) -> bool {
        self.timm && name == TIMM_STEM
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> rekindle::Result<Vec<f32>> {
        let inputs: usize = shape.iter().skip(1).product();
        let vector = shape.len() == 1;
        let value = |unit: f64| {
            if name.ends_with("running_var") || (name.ends_with("weight") && vector) {
                1.0 + unit / 4.0
            } else if name.ends_with("weight") {
                unit * (3.0 / inputs as f64).sqrt()
            } else {
                unit / 10.0
            }
        };
        Ok(formula(name, shape.iter().product()).map(|unit| value(unit) as f32).collect())
    }
}
