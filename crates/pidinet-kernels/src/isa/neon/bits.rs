//! Four words, counted byte by byte.

use super::Neon;
use crate::lanes::bits::{BitKernel, BitLanes};
use std::arch::aarch64::*;

impl BitLanes for Neon {
    type Words = uint32x4_t;
    /// Sixteen counts of bytes: at most 8 are added at a time, so 31 times fit.
    type Counts = uint8x16_t;
    type F64 = float64x2_t;
    const WIDTH: usize = 4;
    const STEPS: usize = 31;
    const DOUBLES: usize = 2;
    const PIXELS: usize = 8;

    #[inline(always)]
    fn enter_bits<K: BitKernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "neon")]
        fn enter<K: BitKernel>(lanes: Neon, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` proves NEON.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> uint32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdupq_n_u32(word) }
    }

    #[inline(always)]
    fn load_words(self, src: &[u32]) -> uint32x4_t {
        let src: &[u32; 4] = src.first_chunk().expect("four words to load");
        // SAFETY: `self` proves NEON; `src` is four readable words.
        unsafe { vld1q_u32(src.as_ptr()) }
    }

    #[inline(always)]
    fn no_counts(self) -> uint8x16_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdupq_n_u8(0) }
    }

    #[inline(always)]
    fn count(self, counts: uint8x16_t, a: uint32x4_t, b: uint32x4_t) -> uint8x16_t {
        // SAFETY: `self` proves NEON.
        unsafe { vaddq_u8(counts, vcntq_u8(vreinterpretq_u8_u32(veorq_u32(a, b)))) }
    }

    #[inline(always)]
    fn add_counts(self, sums: uint32x4_t, counts: uint8x16_t) -> uint32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vpadalq_u16(sums, vpaddlq_u8(counts)) }
    }

    #[inline(always)]
    fn store_products(self, dst: &mut [f32], bits: u32, sums: uint32x4_t) {
        let dst: &mut [f32; 4] = dst.first_chunk_mut().expect("room for four floats");
        // SAFETY: `self` proves NEON; `dst` is four writable floats.
        unsafe {
            let products =
                vsubq_s32(vdupq_n_s32(bits.cast_signed()), vreinterpretq_s32_u32(vaddq_u32(sums, sums)));
            vst1q_f32(dst.as_mut_ptr(), vcvtq_f32_s32(products));
        }
    }

    #[inline(always)]
    fn less(self, a: &[f32], b: &[f32]) -> u32 {
        const LANE: [u32; 4] = [1, 2, 4, 8];
        let a: &[f32; 4] = a.first_chunk().expect("four floats to compare");
        let b: &[f32; 4] = b.first_chunk().expect("four floats to compare with");
        // SAFETY: `self` proves NEON; `a`, `b` and `LANE` are four readable numbers each.
        unsafe {
            let less = vcltq_f32(vld1q_f32(a.as_ptr()), vld1q_f32(b.as_ptr()));
            vaddvq_u32(vandq_u32(less, vld1q_u32(LANE.as_ptr())))
        }
    }

    #[inline(always)]
    fn splat_f64(self, x: f64) -> float64x2_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdupq_n_f64(x) }
    }

    #[inline(always)]
    fn load_f64(self, src: &[f64]) -> float64x2_t {
        let src: &[f64; 2] = src.first_chunk().expect("two numbers to load");
        // SAFETY: `self` proves NEON; `src` is two readable numbers.
        unsafe { vld1q_f64(src.as_ptr()) }
    }

    #[inline(always)]
    fn store_rounded(self, dst: &mut [f32], v: float64x2_t) {
        let dst: &mut [f32; 2] = dst.first_chunk_mut().expect("room for two floats");
        // SAFETY: `self` proves NEON; `dst` is two writable floats.
        unsafe { vst1_f32(dst.as_mut_ptr(), vcvt_f32_f64(v)) }
    }

    #[inline(always)]
    fn mul_add_f64(self, a: float64x2_t, b: float64x2_t, c: float64x2_t) -> float64x2_t {
        // SAFETY: `self` proves NEON.
        unsafe { vfmaq_f64(c, a, b) }
    }
}
