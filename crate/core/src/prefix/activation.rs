//! The functions between layers, number by number.

/// A function that a layer ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing is done.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x * min(max(x / 6 + 1/2, 0), 1)` (Howard et al., MobileNetV3, 2019, section 5.2).
    HardSwish,
    /// `x / (1 + e^-x)`, also called swish.
    Silu,
    /// `min(max(x / 6 + 1/2, 0), 1)`.
    HardSigmoid,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
}

impl Activation {
    /// Replaces every number by its function.
    pub fn apply(self, values: &mut [f32]) {
        match self {
            Self::Linear => {}
            // `max` would be a call for every number in WebAssembly.
            Self::Relu => each(values, |x| if x < 0.0 { 0.0 } else { x }),
            Self::Relu6 => each(values, |x| x.clamp(0.0, 6.0)),
            Self::HardSwish => each(values, |x| x * hard_sigmoid(x)),
            Self::Silu => each(values, |x| x * sigmoid(x)),
            Self::HardSigmoid => each(values, hard_sigmoid),
            Self::Sigmoid => each(values, sigmoid),
        }
    }
}

/// One loop for each function, so that each becomes vector instructions.
#[inline(always)]
fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    values.iter_mut().for_each(|value| *value = function(*value));
}

#[inline(always)]
fn hard_sigmoid(x: f32) -> f32 {
    (x / 6.0 + 0.5).clamp(0.0, 1.0)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exponential(-x))
}

/// `e^x` to two units in the last place, without a branch or a call, so that loops over it become vector instructions;
/// the same bits on every processor.
///
/// `x = n ln 2 + r` with a whole `n`; the polynomial for `e^r` and the two parts of `ln 2` are those of Cephes' `expf`
/// (Moshier, 1992).
#[inline(always)]
fn exponential(x: f32) -> f32 {
    /// `1.5 * 2^23`: adding it rounds to a whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_6e-1;
    let p = p * r + 0.5;
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    (p * r * r + r + 1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(activation: Activation, x: f32) -> f32 {
        let mut values = [x];
        activation.apply(&mut values);
        values[0]
    }

    #[test]
    fn functions_agree_with_their_formulas_in_double_precision() {
        for step in -2000..=2000 {
            let x = step as f32 / 20.0;
            let y = f64::from(x);
            let sigmoid = 1.0 / (1.0 + (-y).exp());
            let hard = (y / 6.0 + 0.5).clamp(0.0, 1.0);
            for (activation, expected) in [
                (Activation::Linear, y),
                (Activation::Relu, y.max(0.0)),
                (Activation::Relu6, y.clamp(0.0, 6.0)),
                (Activation::HardSwish, y * hard),
                (Activation::Silu, y * sigmoid),
                (Activation::HardSigmoid, hard),
                (Activation::Sigmoid, sigmoid),
            ] {
                let found = f64::from(at(activation, x));
                // At -87 the exponential stops growing; what is lost there is below 1e-35.
                let error = (found - expected).abs() / expected.abs().max(1e-30);
                assert!(error < 1e-6, "{activation:?} of {x}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn numbers_that_are_not_numbers_stay_so() {
        assert!(at(Activation::Silu, f32::NAN).is_nan());
        assert_eq!(at(Activation::Sigmoid, f32::INFINITY), 1.0);
        assert!(at(Activation::Sigmoid, f32::NEG_INFINITY) < 1e-35);
    }
}
