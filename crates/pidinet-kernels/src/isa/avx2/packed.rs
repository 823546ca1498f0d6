//! Words of four int8, multiplied and added by one instruction with AVX-VNNI and by three without, and of two
//! int16, by two.

use super::{Avx2, Base};
use crate::lanes::floats::Lanes;
use crate::lanes::words::{Format, PackedKernel, PackedLanes};
use std::arch::x86_64::*;

/// Proof that AVX-VNNI is present, as on Alder Lake, Sapphire Rapids, Zen 5 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Vnni(());

/// Words of two int16 instead, which take no further instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Int16(());

impl Avx2<Base> {
    /// The same instructions for words of int16.
    pub(in crate::isa) fn int16(self) -> Avx2<Int16> {
        Avx2(Int16(()))
    }

    /// The same instructions and those of AVX-VNNI.
    pub(in crate::isa) fn vnni(self) -> Option<Avx2<Vnni>> {
        is_x86_feature_detected!("avxvnni").then_some(Avx2(Vnni(())))
    }
}

/// What words hold and how they are multiplied.
pub(in crate::isa) trait Dot: Copy {
    /// As [`PackedLanes::FORMAT`].
    const FORMAT: Format;

    /// Runs `kernel` as a function compiled with its instructions: those of AVX2, unless it has others.
    #[inline(always)]
    fn enter<K: PackedKernel>(lanes: Avx2<Self>, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma")]
        fn enter<E: Dot, K: PackedKernel>(lanes: Avx2<E>, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `lanes` proves these features.
        unsafe { enter(lanes, kernel) }
    }

    /// As [`PackedLanes::dot`].
    fn dot(lanes: Avx2<Self>, sums: __m256i, values: __m256i, weights: __m256i) -> __m256i;

    /// As [`PackedLanes::pack`].
    fn pack(lanes: Avx2<Self>, channels: [__m256; 4]) -> __m256i;
}

/// Two saturating steps, from 32 bits to 16 and on to unsigned 8, leave the channels of four pixels in each half
/// of the vector; a shuffle brings those of a pixel together.
#[inline(always)]
fn pack_int8<E>(_: Avx2<E>, channels: [__m256; 4]) -> __m256i {
    // SAFETY: the token proves AVX2.
    unsafe {
        let low = _mm256_packs_epi32(_mm256_cvtps_epi32(channels[0]), _mm256_cvtps_epi32(channels[1]));
        let high = _mm256_packs_epi32(_mm256_cvtps_epi32(channels[2]), _mm256_cvtps_epi32(channels[3]));
        let pixels = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm256_shuffle_epi8(_mm256_packus_epi16(low, high), _mm256_broadcastsi128_si256(pixels))
    }
}

impl Dot for Base {
    const FORMAT: Format = Format::Int8;

    /// The sums of two products have sixteen bits, which they never exceed: [`Format::Int8`] limits the weights.
    #[inline(always)]
    fn dot(_: Avx2, sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: the token proves AVX2.
        unsafe {
            let pairs = _mm256_maddubs_epi16(values, weights);
            _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }

    #[inline(always)]
    fn pack(lanes: Avx2<Self>, channels: [__m256; 4]) -> __m256i {
        pack_int8(lanes, channels)
    }
}

impl Dot for Vnni {
    const FORMAT: Format = Format::Int8;

    #[inline(always)]
    fn enter<K: PackedKernel>(lanes: Avx2<Self>, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma,avxvnni")]
        fn enter<K: PackedKernel>(lanes: Avx2<Vnni>, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `lanes` proves these features.
        unsafe { enter(lanes, kernel) }
    }

    #[inline(always)]
    fn dot(_: Avx2<Self>, sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: the token proves AVX-VNNI.
        unsafe { _mm256_dpbusd_avx_epi32(sums, values, weights) }
    }

    #[inline(always)]
    fn pack(lanes: Avx2<Self>, channels: [__m256; 4]) -> __m256i {
        pack_int8(lanes, channels)
    }
}

impl Dot for Int16 {
    const FORMAT: Format = Format::Int16;

    #[inline(always)]
    fn dot(_: Avx2<Self>, sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(values, weights)) }
    }

    /// A saturating step leaves the even channels of four pixels and then the odd ones in each half of the
    /// vector; a shuffle brings those of a pixel together.
    #[inline(always)]
    fn pack(_: Avx2<Self>, [even, odd, ..]: [__m256; 4]) -> __m256i {
        // SAFETY: the token proves AVX2.
        unsafe {
            let halves = _mm256_packs_epi32(_mm256_cvtps_epi32(even), _mm256_cvtps_epi32(odd));
            let pixels = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
            _mm256_shuffle_epi8(halves, _mm256_broadcastsi128_si256(pixels))
        }
    }
}

impl<E: Dot> PackedLanes for Avx2<E> {
    type Words = __m256i;
    type Sums = __m256i;
    const FORMAT: Format = E::FORMAT;
    const CHANNELS: usize = if matches!(E::FORMAT, Format::Int8) { 4 } else { 2 };

    #[inline(always)]
    fn enter_packed<K: PackedKernel>(self, kernel: K) -> K::Output {
        E::enter(self, kernel)
    }

    #[inline(always)]
    fn pack(self, channels: [__m256; 4]) -> __m256i {
        E::pack(self, channels)
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> __m256i {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_set1_epi32(word.cast_signed()) }
    }

    #[inline(always)]
    fn load_words(self, src: &[f32]) -> __m256i {
        let src: &[f32; 8] = src.first_chunk().expect("eight words to load");
        // SAFETY: `self` proves AVX2; `src` is eight readable words.
        unsafe { _mm256_loadu_si256(src.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_words(self, dst: &mut [f32], words: __m256i) {
        let dst: &mut [f32; 8] = dst.first_chunk_mut().expect("room for eight words");
        // SAFETY: `self` proves AVX2; `dst` is eight writable words.
        unsafe { _mm256_storeu_si256(dst.as_mut_ptr().cast(), words) }
    }

    #[inline(always)]
    fn is_cut(self, words: __m256i) -> bool {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi8(words, _mm256_set1_epi8(-1))) != 0 }
    }

    #[inline(always)]
    fn begin(self, start: u32) -> __m256i {
        self.splat_word(start)
    }

    #[inline(always)]
    fn dot(self, sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        E::dot(self, sums, values, weights)
    }

    #[inline(always)]
    fn finish(self, sums: __m256i, scale: f32) -> __m256 {
        // SAFETY: `self` proves AVX2.
        let sums = unsafe { _mm256_cvtepi32_ps(sums) };
        self.mul(sums, self.splat(scale))
    }

    #[inline(always)]
    fn finish_and_add(self, sums: __m256i, scale: f32, add: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        let sums = unsafe { _mm256_cvtepi32_ps(sums) };
        self.mul_add(sums, self.splat(scale), add)
    }
}
