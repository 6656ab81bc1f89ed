//! Half precision to single, for which WebAssembly has no instruction. LLVM would take the numbers one by one there.

use half::f16;

/// The numbers of these bytes, two each, little-endian.
pub fn widen_bytes(bytes: &[u8]) -> Vec<f32> {
    let mut numbers = vec![0.0; bytes.len() / 2];
    let ((eights, rest), (wide, last)) = (bytes.as_chunks(), numbers.as_chunks_mut());
    // Browsers compile a function well only between two of its calls: a single long one would be done as slowly as it began.
    eights.chunks(128).zip(wide.chunks_mut(128)).for_each(|(eights, wide)| widen_eights(eights, wide));
    widen_few(rest, last);
    numbers
}

/// The same numbers, as many as there are places.
pub fn widen_into(from: &[f16], to: &mut [f32]) {
    for (from, to) in from.chunks(8).zip(to.chunks_mut(8)) {
        let mut eight = [[0; 2]; 8];
        eight.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_le_bytes());
        widen_few(eight.as_flattened(), to);
    }
}

/// At most eight.
fn widen_few(bytes: &[u8], numbers: &mut [f32]) {
    let (mut eight, mut wide) = ([0; 16], [0.0; 8]);
    eight[..bytes.len()].copy_from_slice(bytes);
    widen_eights(&[eight], std::slice::from_mut(&mut wide));
    numbers.copy_from_slice(&wide[..numbers.len()]);
}

#[inline(never)]
fn widen_eights(eights: &[[u8; 16]], wide: &mut [[f32; 8]]) {
    wide.iter_mut().zip(eights).for_each(|(to, eight)| *to = widen_eight(eight));
}

#[cfg(target_arch = "wasm32")]
#[inline(always)]
fn widen_eight(eight: &[u8; 16]) -> [f32; 8] {
    use core::arch::wasm32::*;
    /// The exponent of infinity and of what is no number, where it lies in an f32.
    const EXPONENT: i32 = 0x7c00 << 13;
    /// 2^112, by which numbers are too small with an exponent whose bias is 15 and not 127.
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    let four = |bits: v128| {
        let magnitude = i32x4_shl(v128_and(bits, i32x4_splat(0x7fff)), 13);
        let not_finite = i32x4_ge(magnitude, i32x4_splat(EXPONENT));
        let exponent = v128_and(not_finite, i32x4_splat(f32::INFINITY.to_bits() as i32));
        let sign = i32x4_shl(v128_and(bits, i32x4_splat(0x8000)), 16);
        // This makes subnormal numbers normal, too.
        v128_or(v128_or(f32x4_mul(magnitude, f32x4_splat(SCALE)), exponent), sign)
    };
    // SAFETY: v128.load takes any alignment, and two vectors are eight numbers.
    unsafe {
        let bits = v128_load(eight.as_ptr().cast());
        core::mem::transmute([four(u32x4_extend_low_u16x8(bits)), four(u32x4_extend_high_u16x8(bits))])
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn widen_eight(eight: &[u8; 16]) -> [f32; 8] {
    std::array::from_fn(|at| f16::from_le_bytes([eight[2 * at], eight[2 * at + 1]]).to_f32())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_what_it_was() {
        for count in [0, 1, 8, 2061, 1 << 16] {
            let halves: Vec<f16> = (0..count).map(|bits: usize| f16::from_bits(bits as u16)).collect();
            let bytes: Vec<u8> = halves.iter().flat_map(|value| value.to_le_bytes()).collect();
            let mut into = vec![0.0; count];
            widen_into(&halves, &mut into);
            for (found, value) in widen_bytes(&bytes).iter().chain(&into).zip(halves.iter().chain(&halves)) {
                assert!(found.to_bits() == value.to_f32().to_bits() || found.is_nan() && value.is_nan());
            }
        }
    }
}
