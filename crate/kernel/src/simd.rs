//! Four f32 lanes, so that a kernel is written once: simd128 in WebAssembly, SSE2 or FMA on x86-64, plain arrays elsewhere.

/// Four f32 numbers that are computed together. A value shows that the processor has the instructions: making one is
/// where that is promised.
pub trait Lanes: Copy {
    /// Pixels of a register tile: two accumulators each, and what else is needed, must fit the registers.
    const TILE: usize;

    /// Four copies of a number.
    ///
    /// # Safety
    /// The processor has the instructions of these lanes.
    unsafe fn splat(value: f32) -> Self;
    /// The four numbers at `from`.
    ///
    /// # Safety
    /// As [`Lanes::splat`]; `from` is valid for reading four f32, at the alignment of one.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes the four numbers to `to`.
    ///
    /// # Safety
    /// `to` is valid for writing four f32, at the alignment of one.
    unsafe fn store(self, to: *mut f32);
    /// `self + other`.
    fn add(self, other: Self) -> Self;
    /// `self + a * b`, rounded once where the processor can.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// The numbers limited to 0..=6.
    fn relu6(self) -> Self;
}

#[cfg(target_arch = "wasm32")]
mod lanes {
    use super::Lanes;
    use core::arch::wasm32::*;

    /// simd128.
    #[derive(Clone, Copy)]
    pub struct Simd128(v128);

    impl Lanes for Simd128 {
        // Measured in V8 on x86-64: with five, what LLVM makes of the loop no longer fits the 15 registers.
        const TILE: usize = 4;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self(f32x4_splat(value))
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's contract; v128.load takes any alignment.
            Self(unsafe { v128_load(from.cast()) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller's contract; v128.store takes any alignment.
            unsafe { v128_store(to.cast(), self.0) }
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(f32x4_add(self.0, other.0))
        }
        #[inline(always)]
        fn mul_add(self, a: Self, b: Self) -> Self {
            Self(f32x4_add(self.0, f32x4_mul(a.0, b.0)))
        }
        #[inline(always)]
        fn relu6(self) -> Self {
            // pmin and pmax are one instruction on every processor; min and max are several on x86-64.
            Self(f32x4_pmin(f32x4_splat(6.0), f32x4_pmax(f32x4_splat(0.0), self.0)))
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use super::Lanes;
    use core::arch::x86_64::*;

    /// SSE2, which every x86-64 has.
    #[derive(Clone, Copy)]
    pub struct Sse2(__m128);

    /// SSE2 with fused multiply-add; fast only inside functions that enable `fma`.
    #[derive(Clone, Copy)]
    pub struct Fma(__m128);

    macro_rules! lanes {
        ($name:ident, $tile:literal, |$sum:ident, $a:ident, $b:ident| $mul_add:expr) => {
            impl Lanes for $name {
                const TILE: usize = $tile;

                #[inline(always)]
                unsafe fn splat(value: f32) -> Self {
                    // SAFETY: SSE2 is part of x86-64.
                    Self(unsafe { _mm_set1_ps(value) })
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: the caller's contract; loadu takes any alignment.
                    Self(unsafe { _mm_loadu_ps(from) })
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: the caller's contract; storeu takes any alignment.
                    unsafe { _mm_storeu_ps(to, self.0) }
                }
                #[inline(always)]
                fn add(self, other: Self) -> Self {
                    // SAFETY: SSE2 is part of x86-64.
                    Self(unsafe { _mm_add_ps(self.0, other.0) })
                }
                #[inline(always)]
                fn mul_add(self, a: Self, b: Self) -> Self {
                    let ($sum, $a, $b) = (self.0, a.0, b.0);
                    // SAFETY: SSE2 is part of x86-64; whoever made an `Fma` promised `fma`.
                    Self(unsafe { $mul_add })
                }
                #[inline(always)]
                fn relu6(self) -> Self {
                    // SAFETY: SSE2 is part of x86-64.
                    Self(unsafe { _mm_min_ps(_mm_set1_ps(6.0), _mm_max_ps(_mm_setzero_ps(), self.0)) })
                }
            }
        };
    }
    lanes!(Sse2, 4, |sum, a, b| _mm_add_ps(sum, _mm_mul_ps(a, b)));
    lanes!(Fma, 6, |sum, a, b| _mm_fmadd_ps(a, b, sum));
}

// Tests compile it everywhere, so that it is tried where it is not used.
#[cfg(any(test, not(any(target_arch = "wasm32", target_arch = "x86_64"))))]
mod array {
    use super::Lanes;

    /// An array, which the compiler turns into vector instructions where it can.
    #[derive(Clone, Copy)]
    pub struct Array([f32; 4]);

    impl Array {
        #[inline(always)]
        fn zip(self, other: Self, number: impl Fn(f32, f32) -> f32) -> Self {
            let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
            Self([number(a, e), number(b, f), number(c, g), number(d, h)])
        }
    }

    impl Lanes for Array {
        const TILE: usize = 4;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self([value; 4])
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's contract; an array of f32 has the alignment of one.
            Self(unsafe { from.cast::<[f32; 4]>().read() })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller's contract; an array of f32 has the alignment of one.
            unsafe { to.cast::<[f32; 4]>().write(self.0) }
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            self.zip(other, |a, b| a + b)
        }
        #[inline(always)]
        fn mul_add(self, a: Self, b: Self) -> Self {
            self.add(a.zip(b, |a, b| a * b))
        }
        #[inline(always)]
        fn relu6(self) -> Self {
            Self(self.0.map(|value| value.clamp(0.0, 6.0)))
        }
    }
}

#[cfg(test)]
pub use array::Array;
#[cfg(not(any(target_arch = "wasm32", target_arch = "x86_64")))]
pub use array::Array as Best;
#[cfg(target_arch = "wasm32")]
pub use lanes::Simd128 as Best;
#[cfg(target_arch = "x86_64")]
pub use lanes::{Fma, Sse2 as Best};
