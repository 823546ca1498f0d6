//! Sixteen words, counted by one instruction.

use crate::lanes::bits::{BitKernel, BitLanes};
use std::arch::x86_64::*;

/// Proof that AVX-512 F and VPOPCNTDQ are present, as on Ice Lake, Zen 4 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Avx512Bits(());

impl Avx512Bits {
    pub(in crate::isa) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq"))
            .then_some(Self(()))
    }
}

impl BitLanes for Avx512Bits {
    type Words = __m512i;
    type Counts = __m512i;
    type F64 = __m512d;
    const WIDTH: usize = 16;
    const STEPS: usize = usize::MAX;
    const DOUBLES: usize = 8;
    const PIXELS: usize = 8;

    #[inline(always)]
    fn enter_bits<K: BitKernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512vpopcntdq")]
        fn enter<K: BitKernel>(lanes: Avx512Bits, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` proves these features.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> __m512i {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_set1_epi32(word.cast_signed()) }
    }

    #[inline(always)]
    fn load_words(self, src: &[u32]) -> __m512i {
        let src: &[u32; 16] = src.first_chunk().expect("sixteen words to load");
        // SAFETY: `self` proves AVX-512; `src` is sixteen readable words.
        unsafe { _mm512_loadu_si512(src.as_ptr().cast()) }
    }

    #[inline(always)]
    fn no_counts(self) -> __m512i {
        self.splat_word(0)
    }

    #[inline(always)]
    fn count(self, counts: __m512i, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 and VPOPCNTDQ.
        unsafe { _mm512_add_epi32(counts, _mm512_popcnt_epi32(_mm512_xor_si512(a, b))) }
    }

    #[inline(always)]
    fn add_counts(self, sums: __m512i, counts: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_add_epi32(sums, counts) }
    }

    #[inline(always)]
    fn store_products(self, dst: &mut [f32], bits: u32, sums: __m512i) {
        let dst: &mut [f32; 16] = dst.first_chunk_mut().expect("room for sixteen floats");
        // SAFETY: `self` proves AVX-512; `dst` is sixteen writable floats.
        unsafe {
            let products =
                _mm512_sub_epi32(_mm512_set1_epi32(bits.cast_signed()), _mm512_add_epi32(sums, sums));
            _mm512_storeu_ps(dst.as_mut_ptr(), _mm512_cvtepi32_ps(products));
        }
    }

    #[inline(always)]
    fn less(self, a: &[f32], b: &[f32]) -> u32 {
        let a: &[f32; 16] = a.first_chunk().expect("sixteen floats to compare");
        let b: &[f32; 16] = b.first_chunk().expect("sixteen floats to compare with");
        // SAFETY: `self` proves AVX-512; `a` and `b` are sixteen readable floats each.
        unsafe {
            let (a, b) = (_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr()));
            u32::from(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
        }
    }

    #[inline(always)]
    fn splat_f64(self, x: f64) -> __m512d {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_set1_pd(x) }
    }

    #[inline(always)]
    fn load_f64(self, src: &[f64]) -> __m512d {
        let src: &[f64; 8] = src.first_chunk().expect("eight numbers to load");
        // SAFETY: `self` proves AVX-512; `src` is eight readable numbers.
        unsafe { _mm512_loadu_pd(src.as_ptr()) }
    }

    #[inline(always)]
    fn store_rounded(self, dst: &mut [f32], v: __m512d) {
        let dst: &mut [f32; 8] = dst.first_chunk_mut().expect("room for eight floats");
        // SAFETY: `self` proves AVX-512, hence AVX; `dst` is eight writable floats.
        unsafe { _mm256_storeu_ps(dst.as_mut_ptr(), _mm512_cvtpd_ps(v)) }
    }

    #[inline(always)]
    fn mul_add_f64(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_fmadd_pd(a, b, c) }
    }
}
