//! WebAssembly's fixed-width vectors: four floats. There is no fused multiply-add, and engines have
//! sixteen registers to map them to. With relaxed SIMD there is one, where the CPU has it.

mod bits;
mod sum;

use crate::lanes::floats::{Kernel, Lanes};
use std::arch::wasm32::*;
#[cfg(target_feature = "relaxed-simd")]
use sum::Fused;
use sum::{Rounded, Sum};

/// Proof that simd128 is present, and what a multiply-add takes: a module that uses either does not load without it,
/// so there is nothing to detect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Simd128<S = Rounded>(S);

impl Simd128 {
    pub(super) fn detect() -> Option<Self> {
        Some(Self(Rounded))
    }
}

/// Fixed-width vectors with the multiply-adds of relaxed SIMD.
#[cfg(target_feature = "relaxed-simd")]
pub(super) type Relaxed = Simd128<Fused>;

#[cfg(target_feature = "relaxed-simd")]
impl Relaxed {
    pub(super) fn detect_relaxed() -> Option<Self> {
        Some(Self(Fused))
    }
}

impl<S: Sum> Lanes for Simd128<S> {
    type F32 = v128;
    type Floats = [f32; 4];
    const WIDTH: usize = 4;
    const REGISTERS: usize = 16;
    const TILE: usize = 4;

    #[inline(never)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> v128 {
        f32x4_splat(x)
    }

    #[inline(always)]
    fn load(self, src: &[f32]) -> v128 {
        let src: &[f32; 4] = src.first_chunk().expect("four floats to load");
        // SAFETY: `src` is four readable floats.
        unsafe { v128_load(src.as_ptr().cast()) }
    }

    #[inline(always)]
    fn vectors(self, src: &[f32]) -> &[[f32; 4]] {
        src.as_chunks().0
    }

    #[inline(always)]
    fn vectors_mut(self, dst: &mut [f32]) -> &mut [[f32; 4]] {
        dst.as_chunks_mut().0
    }

    #[inline(always)]
    fn store(self, dst: &mut [f32], v: v128) {
        let dst: &mut [f32; 4] = dst.first_chunk_mut().expect("room for four floats");
        // SAFETY: `dst` is four writable floats.
        unsafe { v128_store(dst.as_mut_ptr().cast(), v) }
    }

    #[inline(always)]
    fn keep_first(self, v: v128, n: usize) -> v128 {
        v128_and(v, u32x4_lt(u32x4(0, 1, 2, 3), u32x4_splat(n.min(4) as u32)))
    }

    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }

    #[inline(always)]
    fn sub(self, a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }

    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    fn div(self, a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        self.0.mul_add(a, b, c)
    }

    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        f32x4_pmax(b, a) // `b < a ? a : b`
    }

    #[inline(always)]
    fn select_less(self, a: v128, b: v128, yes: v128, no: v128) -> v128 {
        v128_bitselect(yes, no, f32x4_lt(a, b))
    }

    #[inline(always)]
    fn exp2_whole(self, n: v128) -> v128 {
        i32x4_shl(i32x4_add(i32x4_trunc_sat_f32x4(n), i32x4_splat(127)), 23)
    }

    #[inline(always)]
    fn deinterleave(self, a: v128, b: v128) -> (v128, v128) {
        (i32x4_shuffle::<0, 2, 4, 6>(a, b), i32x4_shuffle::<1, 3, 5, 7>(a, b))
    }

    #[inline(always)]
    fn interleave(self, a: v128, b: v128) -> (v128, v128) {
        (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b))
    }

    #[inline(always)]
    fn shifted(self, low: v128, high: v128, n: usize) -> v128 {
        match n {
            1 => i32x4_shuffle::<1, 2, 3, 4>(low, high),
            2 => i32x4_shuffle::<2, 3, 4, 5>(low, high),
            3 => i32x4_shuffle::<3, 4, 5, 6>(low, high),
            _ => unreachable!("no window is so wide"),
        }
    }

    #[inline(always)]
    fn pick(self, table: v128, first: u32, indices: &[u32]) -> v128 {
        let &[a, b, c, d] = indices.first_chunk().expect("four indices");
        let lane = v128_and(u32x4_sub(u32x4(a, b, c, d), u32x4_splat(first)), u32x4_splat(3));
        // The table is looked up by bytes: those of lane `i` are `4 i`, `4 i + 1`, `4 i + 2`, `4 i + 3`.
        let bytes = i32x4_add(i32x4_mul(lane, u32x4_splat(0x0404_0404)), u32x4_splat(0x0302_0100));
        i8x16_swizzle(table, bytes)
    }
}
