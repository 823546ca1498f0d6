//! Words of several channels: the operations that a kernel of lower precision may use in addition to
//! [`Lanes`].
//!
//! A word of 32 bits holds neighbouring channels of one pixel: two of bf16 or int16, or four of int8. One instruction
//! multiplies the channels of a word by those of another and adds the products to a sum of 32 bits, so a
//! convolution takes half or a quarter of the instructions. Words are packed from floats that are already in
//! registers, and their sums are stored as floats: only products have low precision.

use crate::lanes::floats::Lanes;

/// What a word of 32 bits holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Two channels as bf16: the upper half of an `f32`, rounded to nearest, ties to even, and zero where it
    /// would be subnormal. Products of bf16 are exact in `f32`; they are added to a sum in `f32`, the odd
    /// channel first, with each addition rounded.
    Bf16,
    /// Four channels as int8. Values are whole numbers `0..=255`, to which floats are rounded, ties to even;
    /// values outside that range are clamped, as long as they are less than 2^31, and NaN becomes zero.
    /// Weights are `-128..=127`, and those of a pair, an even channel and the next one, add up to `-128..=128`:
    /// so the two products together have no more than sixteen bits. Sums are exact.
    Int8,
    /// Two channels as int16, whole numbers to which floats are rounded, ties to even. Weights are so small that
    /// sums of values up to [`GREATEST_INT16`] have no more than 32 bits; these sums are exact.
    Int16,
}

/// The greatest value of [`Format::Int16`] whose sums are exact.
pub const GREATEST_INT16: f32 = 4095.0;

impl Format {
    /// Channels in a word.
    pub fn channels(self) -> usize {
        match self {
            Format::Bf16 | Format::Int16 => 2,
            Format::Int8 => 4,
        }
    }

    /// Words for a pixel with this many channels.
    pub fn words(self, channels: usize) -> usize {
        channels.div_ceil(self.channels())
    }
}

/// Something to compute with vectors of words.
pub trait PackedKernel {
    /// What it returns; kernels that fill a slice return nothing.
    type Output;

    /// Computes it. Implementations are `#[inline(always)]`, as is everything they call with `lanes`.
    fn run<L: PackedLanes>(self, lanes: L) -> Self::Output;
}

/// A vector instruction set with a format of words.
///
/// Words are stored in place of floats, so that rows of either are handled alike.
pub trait PackedLanes: Lanes {
    /// A vector of [`Lanes::WIDTH`] words.
    type Words: Copy;

    /// As many sums.
    type Sums: Copy;

    /// What its words hold.
    const FORMAT: Format;

    /// Whether its words clamp values that are too great for them, instead of holding all floats.
    const CUTS: bool = matches!(Self::FORMAT, Format::Int8);

    /// Channels in a word.
    const CHANNELS: usize;

    /// Runs `kernel` as a function of its own, not inlined into the caller.
    fn enter_packed<K: PackedKernel>(self, kernel: K) -> K::Output;

    /// Words made from the first [`PackedLanes::CHANNELS`] vectors: the first becomes the lowest bits.
    fn pack(self, channels: [Self::F32; 4]) -> Self::Words;

    /// `word` in every lane.
    fn splat_word(self, word: u32) -> Self::Words;

    /// The first [`Lanes::WIDTH`] words of `src`.
    ///
    /// # Panics
    ///
    /// When `src` is shorter.
    fn load_words(self, src: &[f32]) -> Self::Words;

    /// Writes `words` to the first [`Lanes::WIDTH`] places of `dst`.
    ///
    /// # Panics
    ///
    /// When `dst` is shorter.
    fn store_words(self, dst: &mut [f32], words: Self::Words);

    /// Whether any channel is the greatest that words hold, so that it may have been clamped: 255 for int8.
    /// Always false for formats that do not [clamp](Self::CUTS).
    fn is_cut(self, _words: Self::Words) -> bool {
        false
    }

    /// Sums that begin with `start` in every lane: bits of an `f32`, or an `i32`.
    fn begin(self, start: u32) -> Self::Sums;

    /// `sums` and, lane by lane, the products of the channels of `values` and `weights`.
    fn dot(self, sums: Self::Sums, values: Self::Words, weights: Self::Words) -> Self::Sums;

    /// `sums * scale`. Sums of bf16 have no scale, so it is ignored; those of whole numbers are first converted to
    /// floats, which rounds them above 2^24.
    fn finish(self, sums: Self::Sums, scale: f32) -> Self::F32;

    /// `sums * scale + add`, rounded once where [`Lanes::mul_add`] is.
    fn finish_and_add(self, sums: Self::Sums, scale: f32, add: Self::F32) -> Self::F32;
}

/// `x` as bf16: its upper half, rounded to nearest, ties to even. Subnormal numbers become zero, NaN stays NaN.
pub(crate) fn bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    if x.abs() < f32::MIN_POSITIVE {
        return (bits >> 16) as u16 & 0x8000;
    }
    let odd = bits >> 16 & 1;
    (bits.wrapping_add(0x7fff + odd) >> 16) as u16
}

/// The float that a bf16 is.
#[cfg(any(test, feature = "emulation"))]
pub(crate) fn bf16_to_f32(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_is_the_nearest() {
        for (x, want) in [
            (1.0, 1.0),
            (1.0 + 1.0 / 256.0, 1.0),               // a tie, to even
            (1.0 + 3.0 / 256.0, 1.0 + 4.0 / 256.0), // a tie, to even
            (1.0 + 1.01 / 256.0, 1.0 + 2.0 / 256.0),
            (-3.0, -3.0),
            (f32::MAX, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
            (f32::MIN_POSITIVE, f32::MIN_POSITIVE),
            (1e-39, 0.0),
        ] {
            assert_eq!(bf16_to_f32(bf16(x)), want, "{x}");
        }
        assert!(bf16_to_f32(bf16(f32::NAN)).is_nan());
        assert!(bf16_to_f32(bf16(f32::from_bits(0x7f80_0001))).is_nan());
    }
}
