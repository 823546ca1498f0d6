//! Eight words, counted four bits at a time by a table in a register.

use super::Avx2;
use crate::lanes::bits::{BitKernel, BitLanes};
use std::arch::x86_64::*;

impl BitLanes for Avx2 {
    type Words = __m256i;
    /// Thirty-two counts of bytes: at most 8 are added at a time, so 31 times fit.
    type Counts = __m256i;
    type F64 = __m256d;
    const WIDTH: usize = 8;
    const STEPS: usize = 31;
    const DOUBLES: usize = 4;
    const PIXELS: usize = 4;

    #[inline(always)]
    fn enter_bits<K: BitKernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma")]
        fn enter<K: BitKernel>(lanes: Avx2, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> __m256i {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_set1_epi32(word.cast_signed()) }
    }

    #[inline(always)]
    fn load_words(self, src: &[u32]) -> __m256i {
        let src: &[u32; 8] = src.first_chunk().expect("eight words to load");
        // SAFETY: `self` proves AVX2; `src` is eight readable words.
        unsafe { _mm256_loadu_si256(src.as_ptr().cast()) }
    }

    #[inline(always)]
    fn no_counts(self) -> __m256i {
        self.splat_word(0)
    }

    #[inline(always)]
    fn count(self, counts: __m256i, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let bits_of = _mm256_setr_epi8(
                0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3,
                4,
            );
            let nibble = _mm256_set1_epi8(0x0f);
            let differ = _mm256_xor_si256(a, b);
            let low = _mm256_and_si256(differ, nibble);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(differ), nibble);
            let both = _mm256_add_epi8(_mm256_shuffle_epi8(bits_of, low), _mm256_shuffle_epi8(bits_of, high));
            _mm256_add_epi8(counts, both)
        }
    }

    #[inline(always)]
    fn add_counts(self, sums: __m256i, counts: __m256i) -> __m256i {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let pairs = _mm256_maddubs_epi16(counts, _mm256_set1_epi8(1));
            _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }

    #[inline(always)]
    fn store_products(self, dst: &mut [f32], bits: u32, sums: __m256i) {
        let dst: &mut [f32; 8] = dst.first_chunk_mut().expect("room for eight floats");
        // SAFETY: `self` proves AVX2; `dst` is eight writable floats.
        unsafe {
            let products =
                _mm256_sub_epi32(_mm256_set1_epi32(bits.cast_signed()), _mm256_add_epi32(sums, sums));
            _mm256_storeu_ps(dst.as_mut_ptr(), _mm256_cvtepi32_ps(products));
        }
    }

    #[inline(always)]
    fn less(self, a: &[f32], b: &[f32]) -> u32 {
        let a: &[f32; 8] = a.first_chunk().expect("eight floats to compare");
        let b: &[f32; 8] = b.first_chunk().expect("eight floats to compare with");
        // SAFETY: `self` proves AVX2; `a` and `b` are eight readable floats each.
        unsafe {
            let less = _mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr()));
            _mm256_movemask_ps(less).cast_unsigned()
        }
    }

    #[inline(always)]
    fn splat_f64(self, x: f64) -> __m256d {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_set1_pd(x) }
    }

    #[inline(always)]
    fn load_f64(self, src: &[f64]) -> __m256d {
        let src: &[f64; 4] = src.first_chunk().expect("four numbers to load");
        // SAFETY: `self` proves AVX2; `src` is four readable numbers.
        unsafe { _mm256_loadu_pd(src.as_ptr()) }
    }

    #[inline(always)]
    fn store_rounded(self, dst: &mut [f32], v: __m256d) {
        let dst: &mut [f32; 4] = dst.first_chunk_mut().expect("room for four floats");
        // SAFETY: `self` proves AVX2; `dst` is four writable floats.
        unsafe { _mm_storeu_ps(dst.as_mut_ptr(), _mm256_cvtpd_ps(v)) }
    }

    #[inline(always)]
    fn mul_add_f64(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        // SAFETY: `self` proves FMA.
        unsafe { _mm256_fmadd_pd(a, b, c) }
    }
}
