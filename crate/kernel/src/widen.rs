//! Half precision to single in a few plain operations, of which compilers make vector code everywhere; WebAssembly has no
//! instruction for it.

use half::f16;

const EXPONENT: u32 = 0x7c00;

/// What must be added to an exponent in the bits of an f32, whose bias is larger by as much.
const BIAS: u32 = (127 - 15) << 23;

/// 2^-24, the smallest f16 above zero.
const SMALLEST: f32 = 1.0 / 16_777_216.0;

/// The same number.
fn widen(value: f16) -> f32 {
    let bits = u32::from(value.to_bits());
    let (sign, exponent) = ((bits & 0x8000) << 16, bits & EXPONENT);
    let normal = ((bits & 0x7fff) << 13) + BIAS + if exponent == EXPONENT { BIAS } else { 0 };
    let subnormal = ((bits & 0x3ff) as i32 as f32 * SMALLEST).to_bits();
    f32::from_bits(sign | if exponent == 0 { subnormal } else { normal })
}

/// Numbers that one call widens. Browsers compile a function well only between two of its calls: a single long one would be
/// done as slowly as it began.
const BLOCK: usize = 1024;

/// The numbers of these bytes, two each, little-endian.
pub fn widen_bytes(bytes: &[u8]) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(bytes.len() / 2);
    bytes.chunks(2 * BLOCK).for_each(|block| widen_block(block, &mut numbers));
    numbers
}

#[inline(never)]
fn widen_block(bytes: &[u8], numbers: &mut Vec<f32>) {
    numbers.extend(bytes.as_chunks().0.iter().map(|bytes| widen(f16::from_le_bytes(*bytes))));
}

/// The same numbers.
pub fn widen_into(from: &[f16], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = widen(*from));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_what_it_was() {
        for bits in 0..=u16::MAX {
            let value = f16::from_bits(bits);
            match widen(value) {
                found if value.is_nan() => assert!(found.is_nan()),
                found => assert_eq!(found.to_bits(), value.to_f32().to_bits(), "{bits:#x}"),
            }
        }
        let bytes: Vec<u8> = [f16::ONE, f16::NEG_ONE].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(widen_bytes(&bytes), [1.0, -1.0]);
        let mut to = [0.0; 3];
        widen_into(&[f16::ONE, f16::NEG_ONE, f16::MAX], &mut to);
        assert_eq!(to, [1.0, -1.0, 65504.0]);
    }
}
