//! AVX-512: sixteen floats, thirty-two registers, weights broadcast from memory within the multiply-add.

mod bits;
mod packed;

pub(super) use bits::Avx512Bits;

use crate::lanes::floats::{Kernel, Lanes};
use std::arch::asm;
use std::arch::x86_64::*;

/// Proof that AVX-512 F, BW, DQ and VL are present, as on every such CPU since Skylake; `E` proves any
/// further extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512<E = Base>(E);

/// Proof of the instructions that [`Avx512`] has in addition to the common ones.
pub(super) trait Extension: Copy {
    /// Runs `kernel` as a function compiled with these instructions.
    fn enter<K: Kernel>(lanes: Avx512<Self>, kernel: K) -> K::Output;
}

/// Only the common ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base(());

impl Extension for Base {
    #[inline(always)]
    fn enter<K: Kernel>(lanes: Avx512, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
        fn enter<K: Kernel>(lanes: Avx512, kernel: K) -> K::Output {
            kernel.run(lanes)
        }
        // SAFETY: `lanes` proves these features.
        unsafe { enter(lanes, kernel) }
    }
}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl"))
        .then_some(Self(Base(())))
    }
}

impl<E: Extension> Lanes for Avx512<E> {
    type F32 = __m512;
    type Floats = [f32; 16];
    const WIDTH: usize = 16;
    const REGISTERS: usize = 32;
    const TILE: usize = 12;

    #[inline(always)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        E::enter(self, kernel)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, src: &[f32]) -> __m512 {
        let src: &[f32; 16] = src.first_chunk().expect("sixteen floats to load");
        // SAFETY: `self` proves AVX-512; `src` is sixteen readable floats.
        unsafe { _mm512_loadu_ps(src.as_ptr()) }
    }

    #[inline(always)]
    fn vectors(self, src: &[f32]) -> &[[f32; 16]] {
        src.as_chunks().0
    }

    #[inline(always)]
    fn vectors_mut(self, dst: &mut [f32]) -> &mut [[f32; 16]] {
        dst.as_chunks_mut().0
    }

    #[inline(always)]
    fn store(self, dst: &mut [f32], v: __m512) {
        let dst: &mut [f32; 16] = dst.first_chunk_mut().expect("room for sixteen floats");
        // SAFETY: `self` proves AVX-512; `dst` is sixteen writable floats.
        unsafe { _mm512_storeu_ps(dst.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn keep_first(self, v: __m512, n: usize) -> __m512 {
        let keep = ((1u32 << n.min(16)) - 1) as u16;
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_maskz_mov_ps(keep, v) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn select_less(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), yes) }
    }

    #[inline(always)]
    fn exp2_whole(self, n: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_scalef_ps(_mm512_set1_ps(1.0), n) }
    }

    #[inline(always)]
    fn deinterleave(self, a: __m512, b: __m512) -> (__m512, __m512) {
        // SAFETY: `self` proves AVX-512.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            (_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b))
        }
    }

    #[inline(always)]
    fn interleave(self, a: __m512, b: __m512) -> (__m512, __m512) {
        // SAFETY: `self` proves AVX-512.
        unsafe {
            let first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            (_mm512_permutex2var_ps(a, first, b), _mm512_permutex2var_ps(a, second, b))
        }
    }

    #[inline(always)]
    fn shifted(self, low: __m512, high: __m512, n: usize) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe {
            match n {
                1 => align::<1>(low, high),
                2 => align::<2>(low, high),
                14 => align::<14>(low, high),
                15 => align::<15>(low, high),
                _ => unreachable!("no window is so wide"),
            }
        }
    }

    #[inline(always)]
    fn load_rows<const H: usize, const V: usize>(self, src: &[f32], stride: usize) -> [[__m512; V]; H] {
        check_rows::<H, V>(src, stride);
        let mut rows = [[self.splat(0.0); V]; H];
        for (o, row) in rows.iter_mut().enumerate() {
            for (v, vector) in row.iter_mut().enumerate() {
                // SAFETY: `self` proves AVX-512; `check_rows` has found these floats in `src`.
                *vector = unsafe { _mm512_loadu_ps(src.as_ptr().add(o * stride + v * 16)) };
            }
        }
        rows
    }

    #[inline(always)]
    fn store_rows<const H: usize, const V: usize>(
        self,
        dst: &mut [f32],
        stride: usize,
        rows: [[__m512; V]; H],
    ) {
        check_rows::<H, V>(dst, stride);
        for (o, row) in rows.iter().enumerate() {
            for (v, &vector) in row.iter().enumerate() {
                // SAFETY: `self` proves AVX-512; `check_rows` has found these floats in `dst`.
                unsafe { _mm512_storeu_ps(dst.as_mut_ptr().add(o * stride + v * 16), vector) }
            }
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
    fn pick(self, table: __m512, first: u32, indices: &[u32]) -> __m512 {
        let indices: &[u32; 16] = indices.first_chunk().expect("sixteen indices");
        // SAFETY: `self` proves AVX-512; `indices` is sixteen readable numbers.
        unsafe {
            let indices = _mm512_loadu_si512(indices.as_ptr().cast());
            let lane = _mm512_sub_epi32(indices, _mm512_set1_epi32(first.cast_signed()));
            _mm512_permutexvar_ps(lane, table)
        }
    }
}

/// Asserts that `H` rows of `V` vectors, `stride` floats apart, are inside `data`: one comparison for all of them.
#[inline(always)]
fn check_rows<const H: usize, const V: usize>(data: &[f32], stride: usize) {
    let end = stride.checked_mul(H - 1).and_then(|last| last.checked_add(V * 16));
    assert!(end.is_some_and(|end| end <= data.len()), "rows end beyond their memory");
}

/// Floats `N..` of `low` followed by `high`, by `VALIGND`. Left to itself, the compiler uses `VPERMT2PS` for
/// floats, which on Zen 4 mostly takes the place of a multiply-add.
#[inline]
#[target_feature(enable = "avx512f")]
fn align<const N: usize>(low: __m512, high: __m512) -> __m512 {
    let aligned: __m512;
    // SAFETY: the instruction reads and writes nothing but these registers.
    unsafe {
        asm!(
            "valignd {aligned}, {high}, {low}, {n}",
            aligned = lateout(zmm_reg) aligned,
            high = in(zmm_reg) high,
            low = in(zmm_reg) low,
            n = const N,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    aligned
}
