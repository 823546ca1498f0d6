//! AVX2 and FMA: eight floats, sixteen registers.

mod bits;
mod packed;

pub(super) use packed::Vnni;

use crate::lanes::floats::{Kernel, Lanes};
use std::arch::x86_64::*;

/// Proof that AVX2 and FMA are present; `E` proves any further extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2<E = Base>(E);

/// Only these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(Base(())))
    }
}

impl<E: Copy> Avx2<E> {
    /// The same without extensions: kernels that do not use them are compiled once.
    #[inline(always)]
    pub(super) fn base(self) -> Avx2 {
        Avx2(Base(()))
    }
}

impl<E: Copy> Lanes for Avx2<E> {
    type F32 = __m256;
    type Floats = [f32; 8];
    const WIDTH: usize = 8;
    const REGISTERS: usize = 16;
    const TILE: usize = 6;

    #[inline(always)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma")]
        fn enter<K: Kernel>(lanes: Avx2, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { enter(self.base(), kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, src: &[f32]) -> __m256 {
        let src: &[f32; 8] = src.first_chunk().expect("eight floats to load");
        // SAFETY: `self` proves AVX2; `src` is eight readable floats.
        unsafe { _mm256_loadu_ps(src.as_ptr()) }
    }

    #[inline(always)]
    fn vectors(self, src: &[f32]) -> &[[f32; 8]] {
        src.as_chunks().0
    }

    #[inline(always)]
    fn vectors_mut(self, dst: &mut [f32]) -> &mut [[f32; 8]] {
        dst.as_chunks_mut().0
    }

    #[inline(always)]
    fn store(self, dst: &mut [f32], v: __m256) {
        let dst: &mut [f32; 8] = dst.first_chunk_mut().expect("room for eight floats");
        // SAFETY: `self` proves AVX2; `dst` is eight writable floats.
        unsafe { _mm256_storeu_ps(dst.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn keep_first(self, v: __m256, n: usize) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let keep = _mm256_cmpgt_epi32(_mm256_set1_epi32(n.min(8) as i32), lane);
            _mm256_and_ps(v, _mm256_castsi256_ps(keep))
        }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn select_less(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)) }
    }

    #[inline(always)]
    fn exp2_whole(self, n: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
        }
    }

    #[inline(always)]
    fn deinterleave(self, a: __m256, b: __m256) -> (__m256, __m256) {
        // SAFETY: `self` proves AVX2.
        unsafe {
            // The shuffle works on halves, so pairs come out as a b a b; the permutation puts a's first.
            let even = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
            let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0b11_01_11_01>(a, b));
            let even = _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(even));
            (even, _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(odd)))
        }
    }

    #[inline(always)]
    fn interleave(self, a: __m256, b: __m256) -> (__m256, __m256) {
        // SAFETY: `self` proves AVX2.
        unsafe {
            // Unpacking works on halves, so the first halves of both results come first.
            let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
        }
    }

    #[inline(always)]
    fn prefetch(self, src: &[f32], ahead: usize) {
        // SAFETY: every such CPU accepts the instruction, with any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(src.as_ptr().wrapping_add(ahead).cast()) }
    }

    #[inline(always)]
    fn prefetch_to_write(self, dst: &[f32], ahead: usize) {
        // SAFETY: every such CPU accepts the instruction, with any address.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(dst.as_ptr().wrapping_add(ahead).cast()) }
    }

    #[inline(always)]
    fn shifted(self, low: __m256, high: __m256, n: usize) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let (low, high) = (_mm256_castps_si256(low), _mm256_castps_si256(high));
            let middle = _mm256_permute2x128_si256::<0x21>(low, high);
            _mm256_castsi256_ps(match n {
                1 => _mm256_alignr_epi8::<4>(middle, low),
                2 => _mm256_alignr_epi8::<8>(middle, low),
                6 => _mm256_alignr_epi8::<8>(high, middle),
                7 => _mm256_alignr_epi8::<12>(high, middle),
                _ => unreachable!("no window is so wide"),
            })
        }
    }

    #[inline(always)]
    fn pick(self, table: __m256, first: u32, indices: &[u32]) -> __m256 {
        let indices: &[u32; 8] = indices.first_chunk().expect("eight indices");
        // SAFETY: `self` proves AVX2; `indices` is eight readable numbers.
        unsafe {
            let indices = _mm256_loadu_si256(indices.as_ptr().cast());
            let lane = _mm256_sub_epi32(indices, _mm256_set1_epi32(first.cast_signed()));
            _mm256_permutevar8x32_ps(table, lane)
        }
    }
}
