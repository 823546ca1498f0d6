//! NEON: four floats, thirty-two registers.

mod bits;

use crate::lanes::floats::{Kernel, Lanes};
use std::arch::aarch64::*;

/// Proof that NEON is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Neon(());

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl Lanes for Neon {
    type F32 = float32x4_t;
    type Floats = [f32; 4];
    const WIDTH: usize = 4;
    const REGISTERS: usize = 32;
    const TILE: usize = 8;

    #[inline(always)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "neon")]
        fn enter<K: Kernel>(lanes: Neon, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` proves NEON.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    fn load(self, src: &[f32]) -> float32x4_t {
        let src: &[f32; 4] = src.first_chunk().expect("four floats to load");
        // SAFETY: `self` proves NEON; `src` is four readable floats.
        unsafe { vld1q_f32(src.as_ptr()) }
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
    fn store(self, dst: &mut [f32], v: float32x4_t) {
        let dst: &mut [f32; 4] = dst.first_chunk_mut().expect("room for four floats");
        // SAFETY: `self` proves NEON; `dst` is four writable floats.
        unsafe { vst1q_f32(dst.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn keep_first(self, v: float32x4_t, n: usize) -> float32x4_t {
        const LANE: [u32; 4] = [0, 1, 2, 3];
        // SAFETY: `self` proves NEON; `LANE` is four readable numbers.
        unsafe {
            let keep = vcltq_u32(vld1q_u32(LANE.as_ptr()), vdupq_n_u32(n.min(4) as u32));
            vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), keep))
        }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vmaxnmq_f32(a, b) }
    }

    #[inline(always)]
    fn select_less(self, a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vbslq_f32(vcltq_f32(a, b), yes, no) }
    }

    #[inline(always)]
    fn exp2_whole(self, n: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe {
            let exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))
        }
    }

    #[inline(always)]
    fn deinterleave(self, a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
        // SAFETY: `self` proves NEON.
        unsafe { (vuzp1q_f32(a, b), vuzp2q_f32(a, b)) }
    }

    #[inline(always)]
    fn interleave(self, a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
        // SAFETY: `self` proves NEON.
        unsafe { (vzip1q_f32(a, b), vzip2q_f32(a, b)) }
    }

    #[inline(always)]
    fn shifted(self, low: float32x4_t, high: float32x4_t, n: usize) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe {
            match n {
                1 => vextq_f32::<1>(low, high),
                2 => vextq_f32::<2>(low, high),
                3 => vextq_f32::<3>(low, high),
                _ => unreachable!("no window is so wide"),
            }
        }
    }

    #[inline(always)]
    fn pick(self, table: float32x4_t, first: u32, indices: &[u32]) -> float32x4_t {
        let indices: &[u32; 4] = indices.first_chunk().expect("four indices");
        // SAFETY: `self` proves NEON; `indices` is four readable numbers.
        unsafe {
            let lane = vsubq_u32(vld1q_u32(indices.as_ptr()), vdupq_n_u32(first));
            let lane = vandq_u32(lane, vdupq_n_u32(3));
            // The table is looked up by bytes: those of lane `i` are `4 i`, `4 i + 1`, `4 i + 2`, `4 i + 3`.
            let bytes = vmlaq_u32(vdupq_n_u32(0x0302_0100), lane, vdupq_n_u32(0x0404_0404));
            let picked = vqtbl1q_u8(vreinterpretq_u8_f32(table), vreinterpretq_u8_u32(bytes));
            vreinterpretq_f32_u8(picked)
        }
    }
}
