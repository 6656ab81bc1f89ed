//! Half precision to single, for which WebAssembly has no instruction. LLVM would take the numbers one by one there.

use half::f16;

/// Numbers that one call widens. Browsers compile a function well only between two of its calls: a single long one would be
/// done as slowly as it began.
const BLOCK: usize = 1024;

/// The numbers of these bytes, two each, little-endian.
pub fn widen_bytes(bytes: &[u8]) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(bytes.len() / 2);
    let mut wide = [0.0; BLOCK];
    for bytes in bytes.chunks(2 * BLOCK) {
        let wide = &mut wide[..bytes.len() / 2];
        widen_block(bytes, wide);
        numbers.extend_from_slice(wide);
    }
    numbers
}

/// The same numbers, as many as there are places.
pub fn widen_into(from: &[f16], to: &mut [f32]) {
    // SAFETY: two bytes make a number, and bytes may lie anywhere. All processors that there are kernels for are little-endian.
    let bytes = unsafe { std::slice::from_raw_parts(from.as_ptr().cast(), size_of_val(from)) };
    bytes.chunks(2 * BLOCK).zip(to.chunks_mut(BLOCK)).for_each(|(bytes, wide)| widen_block(bytes, wide));
}

#[inline(never)]
fn widen_block(bytes: &[u8], wide: &mut [f32]) {
    let ((eights, rest), (wide, last)) = (bytes.as_chunks(), wide.as_chunks_mut());
    wide.iter_mut().zip(eights).for_each(|(to, eight)| *to = widen_eight(eight));
    let mut eight = [0; 16];
    eight[..rest.len()].copy_from_slice(rest);
    last.copy_from_slice(&widen_eight(&eight)[..last.len()]);
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
