//! What a multiply-add is.

use std::arch::wasm32::*;
use std::fmt::Debug;

/// A way to add a product.
pub(in crate::isa) trait Sum: Copy + Debug + Send + Sync + 'static {
    /// `a b + c`.
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128;
}

/// The product is rounded, and then the sum, on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Rounded;

impl Sum for Rounded {
    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }
}

/// One instruction where the CPU has it, which rounds once; the same as [`Rounded`] where it has not.
#[cfg(target_feature = "relaxed-simd")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Fused;

#[cfg(target_feature = "relaxed-simd")]
impl Sum for Fused {
    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
    }
}
