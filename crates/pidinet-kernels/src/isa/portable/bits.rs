//! Four words at a time, counted by whatever the compiler has for it.

use super::Portable;
use crate::lanes::bits::{BitKernel, BitLanes};

impl BitLanes for Portable {
    type Words = [u32; 4];
    type Counts = [u32; 4];
    type F64 = [f64; 2];
    const WIDTH: usize = 4;
    const STEPS: usize = usize::MAX;
    const DOUBLES: usize = 2;
    const PIXELS: usize = 4;

    #[inline(never)]
    fn enter_bits<K: BitKernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> [u32; 4] {
        [word; 4]
    }

    #[inline(always)]
    fn load_words(self, src: &[u32]) -> [u32; 4] {
        *src.first_chunk().expect("four words to load")
    }

    #[inline(always)]
    fn no_counts(self) -> [u32; 4] {
        [0; 4]
    }

    #[inline(always)]
    fn count(self, counts: [u32; 4], a: [u32; 4], b: [u32; 4]) -> [u32; 4] {
        std::array::from_fn(|i| counts[i] + (a[i] ^ b[i]).count_ones())
    }

    #[inline(always)]
    fn add_counts(self, sums: [u32; 4], counts: [u32; 4]) -> [u32; 4] {
        std::array::from_fn(|i| sums[i] + counts[i])
    }

    #[inline(always)]
    fn store_products(self, dst: &mut [f32], bits: u32, sums: [u32; 4]) {
        let dst: &mut [f32; 4] = dst.first_chunk_mut().expect("room for four floats");
        *dst = sums.map(|sum| (bits.cast_signed() - 2 * sum.cast_signed()) as f32);
    }

    #[inline(always)]
    fn less(self, a: &[f32], b: &[f32]) -> u32 {
        let a: &[f32; 4] = a.first_chunk().expect("four floats to compare");
        let b: &[f32; 4] = b.first_chunk().expect("four floats to compare with");
        (0..4).map(|i| u32::from(a[i] < b[i]) << i).sum()
    }

    #[inline(always)]
    fn splat_f64(self, x: f64) -> [f64; 2] {
        [x; 2]
    }

    #[inline(always)]
    fn load_f64(self, src: &[f64]) -> [f64; 2] {
        *src.first_chunk().expect("two numbers to load")
    }

    #[inline(always)]
    fn store_rounded(self, dst: &mut [f32], v: [f64; 2]) {
        *dst.first_chunk_mut().expect("room for two floats") = v.map(|x| x as f32);
    }

    #[inline(always)]
    fn mul_add_f64(self, a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> [f64; 2] {
        [a[0] * b[0] + c[0], a[1] * b[1] + c[1]]
    }
}
