//! AdamW on plain numbers, for what burn's autodiff does not see.

/// How much the running mean and the running square keep of what they were, and what keeps the division finite; PyTorch's
/// defaults.
const BETAS: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

/// The state of AdamW (Loshchilov and Hutter 2019, algorithm 2) for one list of parameters.
#[derive(Debug, Clone)]
pub struct AdamW {
    means: Vec<f32>,
    squares: Vec<f32>,
    /// The betas to the power of the steps that are done.
    powers: (f64, f64),
}

impl AdamW {
    /// The state before the first step on `count` parameters.
    pub fn new(count: usize) -> Self {
        Self { means: vec![0.0; count], squares: vec![0.0; count], powers: (1.0, 1.0) }
    }

    /// Takes a step: `values` move against `gradients`, and toward zero by `rate * decay`.
    pub fn step(&mut self, values: &mut [f32], gradients: &[f32], rate: f64, decay: f64) {
        let (mean_keeps, square_keeps) = BETAS;
        self.powers.0 *= f64::from(mean_keeps);
        self.powers.1 *= f64::from(square_keeps);
        let kept = (1.0 - rate * decay) as f32;
        let rate = (rate / (1.0 - self.powers.0)) as f32;
        let correction = (1.0 - self.powers.1).sqrt().recip() as f32;
        let state = self.means.iter_mut().zip(&mut self.squares);
        for ((value, gradient), (mean, square)) in values.iter_mut().zip(gradients).zip(state) {
            *mean = mean_keeps * *mean + (1.0 - mean_keeps) * gradient;
            *square = square_keeps * *square + (1.0 - square_keeps) * gradient * gradient;
            *value = kept * *value - rate * *mean / (square.sqrt() * correction + EPSILON);
        }
    }
}
