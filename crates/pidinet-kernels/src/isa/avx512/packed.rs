//! Words of two bf16 or four int8, multiplied and added by one instruction.

use super::{Avx512, Base, Extension};
use crate::lanes::floats::{Kernel, Lanes};
use crate::lanes::words::{Format, PackedKernel, PackedLanes};
use std::arch::x86_64::*;
use std::mem::transmute;

/// Proof that AVX-512 BF16 is present, as on Cooper Lake, Sapphire Rapids, Zen 4 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Bf16(());

/// Proof that AVX-512 VNNI is present, as on Cascade Lake, Ice Lake, Zen 4 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isa) struct Vnni(());

impl Avx512<Base> {
    /// The same instructions and those of AVX-512 BF16.
    pub(in crate::isa) fn bf16(self) -> Option<Avx512<Bf16>> {
        is_x86_feature_detected!("avx512bf16").then_some(Avx512(Bf16(())))
    }

    /// The same instructions and those of AVX-512 VNNI.
    pub(in crate::isa) fn vnni(self) -> Option<Avx512<Vnni>> {
        is_x86_feature_detected!("avx512vnni").then_some(Avx512(Vnni(())))
    }
}

impl Extension for Bf16 {
    #[inline(always)]
    fn enter<K: Kernel>(lanes: Avx512<Self>, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
        fn enter<K: Kernel>(lanes: Avx512<Bf16>, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `lanes` proves these features.
        unsafe { enter(lanes, kernel) }
    }
}

impl Extension for Vnni {
    #[inline(always)]
    fn enter<K: Kernel>(lanes: Avx512<Self>, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
        fn enter<K: Kernel>(lanes: Avx512<Vnni>, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `lanes` proves these features.
        unsafe { enter(lanes, kernel) }
    }
}

#[inline(always)]
fn splat_word<E>(_: Avx512<E>, word: u32) -> __m512i {
    // SAFETY: the token proves AVX-512.
    unsafe { _mm512_set1_epi32(word.cast_signed()) }
}

#[inline(always)]
fn load_words<E>(_: Avx512<E>, src: &[f32]) -> __m512i {
    let src: &[f32; 16] = src.first_chunk().expect("sixteen words to load");
    // SAFETY: the token proves AVX-512; `src` is sixteen readable words.
    unsafe { _mm512_loadu_si512(src.as_ptr().cast()) }
}

#[inline(always)]
fn store_words<E>(_: Avx512<E>, dst: &mut [f32], words: __m512i) {
    let dst: &mut [f32; 16] = dst.first_chunk_mut().expect("room for sixteen words");
    // SAFETY: the token proves AVX-512; `dst` is sixteen writable words.
    unsafe { _mm512_storeu_si512(dst.as_mut_ptr().cast(), words) }
}

impl PackedLanes for Avx512<Bf16> {
    type Words = __m512i;
    type Sums = __m512;
    const FORMAT: Format = Format::Bf16;
    const CHANNELS: usize = 2;

    #[inline(always)]
    fn enter_packed<K: PackedKernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
        fn enter<K: PackedKernel>(lanes: Avx512<Bf16>, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` proves these features.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn pack(self, [even, odd, ..]: [__m512; 4]) -> __m512i {
        // SAFETY: `self` proves AVX-512 BW and BF16; a vector of bf16 is sixty-four bytes like any other.
        unsafe {
            let halves = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(odd, even));
            _mm512_permutexvar_epi16(interleaved(), halves)
        }
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> __m512i {
        splat_word(self, word)
    }

    #[inline(always)]
    fn load_words(self, src: &[f32]) -> __m512i {
        load_words(self, src)
    }

    #[inline(always)]
    fn store_words(self, dst: &mut [f32], words: __m512i) {
        store_words(self, dst, words);
    }

    #[inline(always)]
    fn begin(self, start: u32) -> __m512 {
        self.splat(f32::from_bits(start))
    }

    #[inline(always)]
    fn dot(self, sums: __m512, values: __m512i, weights: __m512i) -> __m512 {
        // SAFETY: `self` proves AVX-512 BF16; a vector of bf16 is sixty-four bytes like any other.
        unsafe {
            let [values, weights] = [values, weights].map(|words| transmute::<__m512i, __m512bh>(words));
            _mm512_dpbf16_ps(sums, values, weights)
        }
    }

    #[inline(always)]
    fn finish(self, sums: __m512, _scale: f32) -> __m512 {
        sums
    }

    #[inline(always)]
    fn finish_and_add(self, sums: __m512, _scale: f32, add: __m512) -> __m512 {
        self.add(sums, add)
    }
}

/// Indices of the 16-bit halves that interleave the first half of a vector with the second into words.
#[inline(always)]
fn interleaved() -> __m512i {
    const HALVES: [u16; 32] = {
        let mut halves = [0; 32];
        let mut i = 0;
        while i < 16 {
            halves[2 * i] = i as u16;
            halves[2 * i + 1] = 16 + i as u16;
            i += 1;
        }
        halves
    };
    // SAFETY: both are sixty-four bytes, and any bit pattern is valid.
    unsafe { transmute::<[u16; 32], __m512i>(HALVES) }
}

impl PackedLanes for Avx512<Vnni> {
    type Words = __m512i;
    type Sums = __m512i;
    const FORMAT: Format = Format::Int8;
    const CHANNELS: usize = 4;

    #[inline(always)]
    fn enter_packed<K: PackedKernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
        fn enter<K: PackedKernel>(lanes: Avx512<Vnni>, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `self` proves these features.
        unsafe { enter(self, kernel) }
    }

    /// Two saturating steps, from 32 bits to 16 and on to unsigned 8, leave the channels of four pixels in
    /// each quarter of the vector; a shuffle brings those of a pixel together.
    #[inline(always)]
    fn pack(self, channels: [__m512; 4]) -> __m512i {
        // SAFETY: `self` proves AVX-512 F and BW.
        unsafe {
            let low = _mm512_packs_epi32(_mm512_cvtps_epi32(channels[0]), _mm512_cvtps_epi32(channels[1]));
            let high = _mm512_packs_epi32(_mm512_cvtps_epi32(channels[2]), _mm512_cvtps_epi32(channels[3]));
            let pixels = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            _mm512_shuffle_epi8(_mm512_packus_epi16(low, high), _mm512_broadcast_i32x4(pixels))
        }
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> __m512i {
        splat_word(self, word)
    }

    #[inline(always)]
    fn load_words(self, src: &[f32]) -> __m512i {
        load_words(self, src)
    }

    #[inline(always)]
    fn store_words(self, dst: &mut [f32], words: __m512i) {
        store_words(self, dst, words);
    }

    #[inline(always)]
    fn is_cut(self, words: __m512i) -> bool {
        // SAFETY: `self` proves AVX-512 F and BW.
        unsafe { _mm512_cmpeq_epi8_mask(words, _mm512_set1_epi8(-1)) != 0 }
    }

    #[inline(always)]
    fn begin(self, start: u32) -> __m512i {
        splat_word(self, start)
    }

    #[inline(always)]
    fn dot(self, sums: __m512i, values: __m512i, weights: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 VNNI.
        unsafe { _mm512_dpbusd_epi32(sums, values, weights) }
    }

    #[inline(always)]
    fn finish(self, sums: __m512i, scale: f32) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        let sums = unsafe { _mm512_cvtepi32_ps(sums) };
        self.mul(sums, self.splat(scale))
    }

    #[inline(always)]
    fn finish_and_add(self, sums: __m512i, scale: f32, add: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        let sums = unsafe { _mm512_cvtepi32_ps(sums) };
        self.mul_add(sums, self.splat(scale), add)
    }
}
