//! Whether numbers are finite, as vector code.

/// Numbers that one call looks at, so that browsers compile it well before the last (`widen.rs`).
const BLOCK: usize = 1024;

/// Whether none of the numbers is infinite or no number.
pub fn are_finite(numbers: &[f32]) -> bool {
    numbers.chunks(BLOCK).all(block_is_finite)
}

#[inline(never)]
fn block_is_finite(numbers: &[f32]) -> bool {
    let (fours, rest) = numbers.as_chunks();
    fours_are_finite(fours) && rest.iter().all(|number| number.is_finite())
}

/// The largest magnitude of all decides, compared as a whole number.
#[cfg(target_arch = "wasm32")]
fn fours_are_finite(fours: &[[f32; 4]]) -> bool {
    use core::arch::wasm32::*;
    // SAFETY: four numbers are a vector; v128.load takes any alignment.
    let vectors = fours.iter().map(|four| unsafe { v128_load(four.as_ptr().cast()) });
    let most = vectors.fold(i32x4_splat(0), |most, four| i32x4_max(most, f32x4_abs(four)));
    i32x4_all_true(i32x4_lt(most, f32x4_splat(f32::INFINITY)))
}

#[cfg(not(target_arch = "wasm32"))]
fn fours_are_finite(fours: &[[f32; 4]]) -> bool {
    fours.as_flattened().iter().all(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_anywhere_is_found() {
        for len in [1, 4, 7, BLOCK, 2 * BLOCK + 5] {
            let mut numbers = vec![f32::MAX; len];
            assert!(are_finite(&numbers));
            for at in [0, len / 2, len - 1] {
                for wrong in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let was = std::mem::replace(&mut numbers[at], wrong);
                    assert!(!are_finite(&numbers), "{wrong} at {at} of {len}");
                    numbers[at] = was;
                }
            }
        }
        assert!(are_finite(&[]));
    }
}
