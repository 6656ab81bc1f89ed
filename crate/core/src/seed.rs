//! Independent streams of randomness from the one seed of a project.

/// Stream that decides who is held out for validation.
pub const SPLIT: u32 = u32::MAX;
/// Stream of the order of the views in an epoch, of the first weights and of dropout.
pub const TRAINING: u32 = u32::MAX - 1;
/// Stream that deals examples into the folds of a cross-validation.
pub const FOLDS: u32 = u32::MAX - 2;
/// Stream that decides which part of the examples a learning curve learns from.
pub const CURVE: u32 = u32::MAX - 3;

/// Stream of the order of the views, of dropout and of mixup in a fine-tuning.
pub const TUNING: u32 = u32::MAX - 3;

/// Mixes a seed with the number of a thing and of a stream (for a view: its index) into a new seed.
///
/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
pub fn mix(seed: u32, item: u32, stream: u32) -> u32 {
    [seed, item, stream].into_iter().fold(0u64, |state, word| {
        let mut z = (state ^ u64::from(word)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_unrelated() {
        let mut bits = 0;
        for i in 0..1000 {
            bits += (mix(1, i, 0) ^ mix(1, i + 1, 0)).count_ones();
            assert_ne!(mix(1, i, 1000), mix(1, 1000, i), "order of the words matters");
        }
        assert!((15_000..17_000).contains(&bits), "{bits} of 32000 bits differ");
    }
}
