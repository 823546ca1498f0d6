//! The operations that a kernel may use: vectors of `f32` and what can be done with them.
//!
//! A kernel is written once, in safe code, against [`Lanes`]. A value of a type that implements it
//! proves that the CPU has the instructions, so its methods are safe to call.

/// Floats in the widest vector of any instruction set.
pub const WIDEST: usize = 16;

/// Something to compute with vectors of any width.
pub trait Kernel {
    /// What it returns; kernels that fill a slice return nothing.
    type Output;

    /// Computes it. Implementations are `#[inline(always)]`, as is everything they call with `lanes`:
    /// code that is not inlined is compiled without the instruction set.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// A vector instruction set that is present.
///
/// Operations work lane by lane and round as IEEE 754 says, except [`Lanes::mul_add`], which may round
/// once or twice.
pub trait Lanes: Copy {
    /// A vector of [`Lanes::WIDTH`] floats.
    type F32: Copy;

    /// The floats of a vector in memory.
    type Floats: AsRef<[f32]> + AsMut<[f32]>;

    /// Floats in a vector: 4, 8 or 16, never more than [`WIDEST`].
    const WIDTH: usize;

    /// Vector registers.
    const REGISTERS: usize;

    /// Most outputs that a register tile of a dense convolution computes together.
    const TILE: usize;

    /// Runs `kernel` as a function of its own, not inlined into the caller.
    fn enter<K: Kernel>(self, kernel: K) -> K::Output;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F32;

    /// The first [`Lanes::WIDTH`] floats of `src`.
    ///
    /// # Panics
    ///
    /// When `src` is shorter.
    fn load(self, src: &[f32]) -> Self::F32;

    /// `src` as whole vectors, without the remainder at its end.
    fn vectors(self, src: &[f32]) -> &[Self::Floats];

    /// `dst` as whole vectors, without the remainder at its end.
    fn vectors_mut(self, dst: &mut [f32]) -> &mut [Self::Floats];

    /// Writes `v` to the first [`Lanes::WIDTH`] floats of `dst`.
    ///
    /// # Panics
    ///
    /// When `dst` is shorter.
    fn store(self, dst: &mut [f32], v: Self::F32);

    /// `v` with zeros from lane `n` on.
    fn keep_first(self, v: Self::F32, n: usize) -> Self::F32;

    /// `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a * b + c`, rounded once where the CPU can.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;

    /// The greater of `a` and `b`; `b` where `a` is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `yes` where `a < b`, else `no`; so `no` where either is NaN.
    fn select_less(self, a: Self::F32, b: Self::F32, yes: Self::F32, no: Self::F32) -> Self::F32;

    /// `2^n` for whole numbers `n` in `-126..=127`; anything, but no panic, for other `n`.
    fn exp2_whole(self, n: Self::F32) -> Self::F32;

    /// The even and the odd elements of `a` followed by `b`.
    fn deinterleave(self, a: Self::F32, b: Self::F32) -> (Self::F32, Self::F32);

    /// `a` and `b` by turns, as two vectors.
    fn interleave(self, a: Self::F32, b: Self::F32) -> (Self::F32, Self::F32);

    /// Floats `n..` of `low` followed by `high`, for `n` of 1 or 2, or one or two less than [`Lanes::WIDTH`].
    fn shifted(self, low: Self::F32, high: Self::F32, n: usize) -> Self::F32;

    /// `H` rows of `V` vectors, each row `stride` floats after the one before.
    ///
    /// # Panics
    ///
    /// When `src` ends before the last of them.
    #[inline(always)]
    fn load_rows<const H: usize, const V: usize>(self, src: &[f32], stride: usize) -> [[Self::F32; V]; H] {
        let mut rows = [[self.splat(0.0); V]; H];
        for (o, row) in rows.iter_mut().enumerate() {
            let src = &src[o * stride..][..V * Self::WIDTH];
            for (v, vector) in row.iter_mut().enumerate() {
                *vector = self.load(&src[v * Self::WIDTH..]);
            }
        }
        rows
    }

    /// Writes `H` rows of `V` vectors, each row `stride` floats after the one before.
    ///
    /// # Panics
    ///
    /// When `dst` ends before the last of them.
    #[inline(always)]
    fn store_rows<const H: usize, const V: usize>(
        self,
        dst: &mut [f32],
        stride: usize,
        rows: [[Self::F32; V]; H],
    ) {
        for (o, row) in rows.iter().enumerate() {
            let dst = &mut dst[o * stride..][..V * Self::WIDTH];
            for (v, &vector) in row.iter().enumerate() {
                self.store(&mut dst[v * Self::WIDTH..], vector);
            }
        }
    }

    /// Hints that [`Lanes::store_rows`] will soon write these rows.
    #[inline(always)]
    fn prefetch_rows<const H: usize, const V: usize>(self, dst: &[f32], stride: usize) {
        for row in 0..H {
            for vector in 0..V {
                self.prefetch_to_write(dst, row * stride + vector * Self::WIDTH);
            }
        }
    }

    /// Hints that what lies `ahead` floats after the beginning of `src`, perhaps behind its end, is soon read.
    #[inline(always)]
    fn prefetch(self, src: &[f32], ahead: usize) {
        let _ = (src, ahead);
    }

    /// Hints that what lies `ahead` floats after the beginning of `dst`, perhaps behind its end, is soon written.
    #[inline(always)]
    fn prefetch_to_write(self, dst: &[f32], ahead: usize) {
        let _ = (dst, ahead);
    }

    /// Lane `i` is `table[(indices[i] - first) % WIDTH]`.
    ///
    /// # Panics
    ///
    /// When there are fewer than [`Lanes::WIDTH`] indices.
    fn pick(self, table: Self::F32, first: u32, indices: &[u32]) -> Self::F32;

    /// The floats of `src` followed by zeros, where `src` has at most [`Lanes::WIDTH`].
    #[inline(always)]
    fn load_first(self, src: &[f32]) -> Self::F32 {
        let mut whole = [0.0; WIDEST];
        whole[..src.len()].copy_from_slice(src);
        self.load(&whole)
    }

    /// Writes as many lanes of `v` as `dst` has elements, at most [`Lanes::WIDTH`].
    #[inline(always)]
    fn store_first(self, dst: &mut [f32], v: Self::F32) {
        let mut whole = [0.0; WIDEST];
        self.store(&mut whole, v);
        dst.copy_from_slice(&whole[..dst.len()]);
    }
}
