//! Four words, counted byte by byte.

use super::Simd128;
use crate::lanes::bits::{BitKernel, BitLanes};
use std::arch::wasm32::*;

impl BitLanes for Simd128 {
    type Words = v128;
    /// Sixteen counts of bytes: at most 8 are added at a time, so 31 times fit.
    type Counts = v128;
    type F64 = v128;
    const WIDTH: usize = 4;
    const STEPS: usize = 31;
    const DOUBLES: usize = 2;
    const PIXELS: usize = 4;

    #[inline(never)]
    fn enter_bits<K: BitKernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> v128 {
        u32x4_splat(word)
    }

    #[inline(always)]
    fn load_words(self, src: &[u32]) -> v128 {
        let src: &[u32; 4] = src.first_chunk().expect("four words to load");
        // SAFETY: `src` is four readable words.
        unsafe { v128_load(src.as_ptr().cast()) }
    }

    #[inline(always)]
    fn no_counts(self) -> v128 {
        u32x4_splat(0)
    }

    #[inline(always)]
    fn count(self, counts: v128, a: v128, b: v128) -> v128 {
        u8x16_add(counts, u8x16_popcnt(v128_xor(a, b)))
    }

    #[inline(always)]
    fn add_counts(self, sums: v128, counts: v128) -> v128 {
        u32x4_add(sums, u32x4_extadd_pairwise_u16x8(u16x8_extadd_pairwise_u8x16(counts)))
    }

    #[inline(always)]
    fn store_products(self, dst: &mut [f32], bits: u32, sums: v128) {
        let dst: &mut [f32; 4] = dst.first_chunk_mut().expect("room for four floats");
        let products = i32x4_sub(u32x4_splat(bits), i32x4_add(sums, sums));
        // SAFETY: `dst` is four writable floats.
        unsafe { v128_store(dst.as_mut_ptr().cast(), f32x4_convert_i32x4(products)) }
    }

    #[inline(always)]
    fn less(self, a: &[f32], b: &[f32]) -> u32 {
        let a: &[f32; 4] = a.first_chunk().expect("four floats to compare");
        let b: &[f32; 4] = b.first_chunk().expect("four floats to compare with");
        // SAFETY: `a` and `b` are four readable floats each.
        let (a, b) = unsafe { (v128_load(a.as_ptr().cast()), v128_load(b.as_ptr().cast())) };
        u32::from(i32x4_bitmask(f32x4_lt(a, b)))
    }

    #[inline(always)]
    fn splat_f64(self, x: f64) -> v128 {
        f64x2_splat(x)
    }

    #[inline(always)]
    fn load_f64(self, src: &[f64]) -> v128 {
        let src: &[f64; 2] = src.first_chunk().expect("two numbers to load");
        // SAFETY: `src` is two readable numbers.
        unsafe { v128_load(src.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_rounded(self, dst: &mut [f32], v: v128) {
        let dst: &mut [f32; 2] = dst.first_chunk_mut().expect("room for two floats");
        *dst = [f64x2_extract_lane::<0>(v) as f32, f64x2_extract_lane::<1>(v) as f32];
    }

    #[inline(always)]
    fn mul_add_f64(self, a: v128, b: v128, c: v128) -> v128 {
        f64x2_add(f64x2_mul(a, b), c)
    }
}
