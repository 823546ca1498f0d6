//! The operations that a kernel of binary networks may use: words of bits and their counts, signs, and sums
//! in f64.
//!
//! [`BitLanes`] is to [`BitKernel`] what [`Lanes`](crate::Lanes) is to [`Kernel`](crate::Kernel). The two are
//! separate because an instruction set may lack one: AVX-512 counts bits only with VPOPCNTDQ.

/// Something to compute with vectors of words, of any width.
pub trait BitKernel {
    /// What it returns; kernels that fill a slice return nothing.
    type Output;

    /// Computes it. Implementations are `#[inline(always)]`, as is everything they call with `lanes`.
    fn run<L: BitLanes>(self, lanes: L) -> Self::Output;
}

/// A vector instruction set that is present.
///
/// Bit 0 stands for +1, bit 1 for −1.
pub trait BitLanes: Copy {
    /// A vector of [`BitLanes::WIDTH`] words of 32 bits.
    type Words: Copy;

    /// As many running counts, possibly with fewer bits each.
    type Counts: Copy;

    /// A vector of [`BitLanes::DOUBLES`] f64.
    type F64: Copy;

    /// Words in a vector: 4, 8 or 16, never more than [`WIDEST`](crate::lanes::floats::WIDEST).
    const WIDTH: usize;

    /// How many words of each lane can be added before [`BitLanes::Counts`] overflows.
    const STEPS: usize;

    /// f64 in a vector: half of [`BitLanes::WIDTH`].
    const DOUBLES: usize;

    /// Most pixels that a register tile computes together: 4 or 8.
    const PIXELS: usize;

    /// Runs `kernel` as a function of its own, not inlined into the caller.
    fn enter_bits<K: BitKernel>(self, kernel: K) -> K::Output;

    /// `word` in every lane.
    fn splat_word(self, word: u32) -> Self::Words;

    /// The first [`BitLanes::WIDTH`] words of `src`.
    ///
    /// # Panics
    ///
    /// When `src` is shorter.
    fn load_words(self, src: &[u32]) -> Self::Words;

    /// No bits counted yet.
    fn no_counts(self) -> Self::Counts;

    /// `counts` and, lane by lane, the number of bits in which `a` and `b` differ.
    fn count(self, counts: Self::Counts, a: Self::Words, b: Self::Words) -> Self::Counts;

    /// `sums + counts` in lanes of 32 bits.
    fn add_counts(self, sums: Self::Words, counts: Self::Counts) -> Self::Words;

    /// Writes `bits - 2 * sums`, which are whole numbers below 2^24, to the first [`BitLanes::WIDTH`] floats of `dst`.
    ///
    /// # Panics
    ///
    /// When `dst` is shorter.
    fn store_products(self, dst: &mut [f32], bits: u32, sums: Self::Words);

    /// Bit `i` is set where `a[i] < b[i]`, for `i` below [`BitLanes::WIDTH`].
    ///
    /// # Panics
    ///
    /// When `a` or `b` is shorter than that.
    fn less(self, a: &[f32], b: &[f32]) -> u32;

    /// `x` in every lane.
    fn splat_f64(self, x: f64) -> Self::F64;

    /// The first [`BitLanes::DOUBLES`] of `src`.
    ///
    /// # Panics
    ///
    /// When `src` is shorter.
    fn load_f64(self, src: &[f64]) -> Self::F64;

    /// Writes `v`, rounded, to the first [`BitLanes::DOUBLES`] floats of `dst`.
    ///
    /// # Panics
    ///
    /// When `dst` is shorter.
    fn store_rounded(self, dst: &mut [f32], v: Self::F64);

    /// `a * b + c`, where `a` and `b` are 32-bit floats: their product is exact, so rounding once or twice
    /// gives the same result.
    fn mul_add_f64(self, a: Self::F64, b: Self::F64, c: Self::F64) -> Self::F64;
}
