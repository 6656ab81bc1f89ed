//! Mixing views in pairs (Zhang, Cisse, Dauphin, Lopez-Paz 2018, "mixup: beyond empirical risk minimization").

use rand::Rng;
use rand::seq::SliceRandom;

/// How a batch is mixed: view `i` is `part` of itself and the rest of its partner.
pub struct Mixup {
    part: f32,
    partners: Vec<usize>,
}

impl Mixup {
    /// Draws the part from Beta(alpha, alpha), one for the batch, and the partners.
    pub fn draw(alpha: f64, count: usize, rng: &mut impl Rng) -> Self {
        let mut partners: Vec<usize> = (0..count).collect();
        partners.shuffle(rng);
        Self { part: beta(alpha, rng) as f32, partners }
    }

    /// Mixes rows of one length.
    pub fn mix(&self, rows: &[f32]) -> Vec<f32> {
        let length = rows.len() / self.partners.len().max(1);
        let row = |index: usize| rows.get(index * length..(index + 1) * length).unwrap_or_default();
        let pairs = self.partners.iter().enumerate();
        pairs
            .flat_map(|(own, partner)| row(own).iter().zip(row(*partner)))
            .map(|(own, other)| self.part * own + (1.0 - self.part) * other)
            .collect()
    }
}

/// A number from Beta(alpha, alpha), by Jöhnk's rejection (1964), which is fast where alpha is at most one.
fn beta(alpha: f64, rng: &mut impl Rng) -> f64 {
    loop {
        let [x, y] = [(); 2].map(|()| libm::pow(rng.random::<f64>(), 1.0 / alpha));
        // Both may vanish where alpha is tiny.
        if x + y > 0.0 && x + y <= 1.0 {
            return x / (x + y);
        }
        if alpha < 1e-2 {
            return f64::from(rng.random::<bool>());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// Mean 1/2 and variance `1 / (4 (2 alpha + 1))`.
    #[test]
    fn parts_have_the_moments_of_the_distribution() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for alpha in [0.2, 0.5, 1.0] {
            let parts: Vec<f64> = (0..20_000).map(|_| beta(alpha, &mut rng)).collect();
            let mean = parts.iter().sum::<f64>() / parts.len() as f64;
            let variance = parts.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / parts.len() as f64;
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!((variance - 0.25 / (2.0 * alpha + 1.0)).abs() < 0.005, "{alpha}: {variance}");
        }
    }

    #[test]
    fn rows_are_mixed_with_their_partners() {
        let mixup = Mixup { part: 0.75, partners: vec![1, 0] };
        assert_eq!(mixup.mix(&[0.0, 4.0, 8.0, 0.0]), [2.0, 3.0, 6.0, 1.0]);
    }
}
