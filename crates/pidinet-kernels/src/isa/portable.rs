//! Plain arithmetic on four floats at a time, for any CPU; the compiler may vectorise it.

mod bits;
#[cfg(feature = "emulation")]
mod packed;

#[cfg(feature = "emulation")]
pub(super) use packed::{Bf16, Int8, Int16};

use crate::lanes::floats::{Kernel, Lanes};

/// Needs no proof. `F` is the format of packed words, if there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portable<F = ()>(pub(super) F);

#[inline(always)]
fn each(a: [f32; 4], b: [f32; 4], f: impl Fn(f32, f32) -> f32) -> [f32; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl<F: Copy> Lanes for Portable<F> {
    type F32 = [f32; 4];
    type Floats = [f32; 4];
    const WIDTH: usize = 4;
    const REGISTERS: usize = 16;
    const TILE: usize = 4;

    #[inline(never)]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn load(self, src: &[f32]) -> [f32; 4] {
        *src.first_chunk().expect("four floats to load")
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
    fn store(self, dst: &mut [f32], v: [f32; 4]) {
        *dst.first_chunk_mut().expect("room for four floats") = v;
    }

    #[inline(always)]
    fn keep_first(self, v: [f32; 4], n: usize) -> [f32; 4] {
        std::array::from_fn(|i| if i < n { v[i] } else { 0.0 })
    }

    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(a, b, |a, b| a / b)
    }

    /// Rounded twice: `f32::mul_add` is a call to the C library on targets without such an instruction.
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        each(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn select_less(self, a: [f32; 4], b: [f32; 4], yes: [f32; 4], no: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if a[i] < b[i] { yes[i] } else { no[i] })
    }

    #[inline(always)]
    fn exp2_whole(self, n: [f32; 4]) -> [f32; 4] {
        // `as` saturates and takes NaN to 0; the exponent field is the number plus its bias.
        n.map(|n| f32::from_bits((n as i32).wrapping_add(127).cast_unsigned() << 23))
    }

    #[inline(always)]
    fn deinterleave(self, a: [f32; 4], b: [f32; 4]) -> ([f32; 4], [f32; 4]) {
        ([a[0], a[2], b[0], b[2]], [a[1], a[3], b[1], b[3]])
    }

    #[inline(always)]
    fn interleave(self, a: [f32; 4], b: [f32; 4]) -> ([f32; 4], [f32; 4]) {
        ([a[0], b[0], a[1], b[1]], [a[2], b[2], a[3], b[3]])
    }

    #[inline(always)]
    fn shifted(self, low: [f32; 4], high: [f32; 4], n: usize) -> [f32; 4] {
        let both = [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]];
        [both[n], both[n + 1], both[n + 2], both[n + 3]]
    }

    #[inline(always)]
    fn pick(self, table: [f32; 4], first: u32, indices: &[u32]) -> [f32; 4] {
        let indices: &[u32; 4] = indices.first_chunk().expect("four indices");
        indices.map(|index| table[(index.wrapping_sub(first) % 4) as usize])
    }
}
