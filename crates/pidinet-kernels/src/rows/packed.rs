//! Dense convolutions of lower precision: products of [words](crate::lanes::words) of two bf16 or four int8.
//!
//! ```text
//! dst[o][x] = bias[o] + sum_taps sum_i w[o][tap][i] * value[i][x + tap.dx] + add[o][x]
//! ```
//!
//! Only `w` and `value` are of low precision. Sums, bias, and what is added are not, and the output is floats, so what
//! runs through many layers, the sum of blocks and shortcuts, is never rounded to it. Words take the place of
//! floats in a [`Row`]: word `i` of column `x` is what float `x` of channel `i` would be.

mod block;
mod tile;
mod weights;

pub use block::{PackedBlock, scratch_len};
pub use weights::PackedWeights;

use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::dense::{Activation, Tap, check_columns};
use crate::rows::row::{self, MARGIN, Row, RowMut};
use std::ops::Range;

/// A row of a dense convolution of words.
///
/// # Panics
///
/// As [`Dense`](crate::rows::dense::Dense), and when it is run with another format than that of the weights.
#[derive(Debug)]
pub struct PackedDense<'a> {
    /// Where to read words, in the order of the weights; zeros around a map give the zero padding.
    pub taps: &'a [Tap<'a>],
    /// Packed weights and bias.
    pub weights: &'a PackedWeights,
    /// A row of floats with as many channels as the output, added to it.
    pub add: Option<Row<'a>>,
    /// Columns to compute, as in [`Dense`](crate::rows::dense::Dense).
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// The row of floats to write.
    pub dst: RowMut<'a>,
}

impl PackedKernel for PackedDense<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { taps, weights, add, columns, width, mut dst } = self;
        check_columns(&columns, width);
        let step = chunk_columns(weights.words());
        for start in columns.clone().step_by(step) {
            let columns = start..columns.end.min(start + step);
            chunk(lanes, PackedDense { taps, weights, add, columns, width, dst: dst.reborrow() });
        }
    }
}

/// Computes all output channels of a chunk, tile after tile.
#[inline(always)]
fn chunk<L: PackedLanes>(lanes: L, job: PackedDense<'_>) {
    let PackedDense { taps, weights, add, columns, width, mut dst } = job;
    assert_eq!(L::FORMAT, weights.format(), "the format of lanes and of weights");
    assert_eq!(taps.len(), weights.words_per_tap().len(), "taps of the row and of the weights");
    for tile in weights.tiles() {
        let columns = columns.clone();
        tile::run(lanes, tile::Part { taps, tile, add, columns, width, dst: dst.reborrow() });
    }
}

/// Columns that a kernel works on at a time: 62 KiB of words. Rows of maps that the second-level cache holds are then mostly
/// worked on whole, and depthwise convolutions begin and end less often. A multiple of 32, which is as wide as most tiles, and
/// no less than 96: a dilated convolution reads most of its words many times.
pub fn chunk_columns(words: usize) -> usize {
    const WORDS: usize = 15872;
    (WORDS / words.max(1)).clamp(96, 1024) / 32 * 32
}

/// A row of a 1x1 convolution from floats to words.
///
/// ```text
/// dst = pack(bias + w * pack(act(src)))
/// ```
///
/// # Panics
///
/// As [`PackedDense`], and when `scratch` is shorter than [`PackedPointwise::scratch_len`].
#[derive(Debug)]
pub struct PackedPointwise<'a> {
    /// The row of floats to read.
    pub src: Row<'a>,
    /// Its channels.
    pub channels: usize,
    /// Applied to it.
    pub activation: Activation,
    /// Packed weights of one tap, and bias.
    pub weights: &'a PackedWeights,
    /// Columns to compute, as in [`Dense`](crate::rows::dense::Dense).
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// Memory to work in; what is in it does not matter.
    pub scratch: &'a mut [f32],
    /// The row of words to write.
    pub dst: RowMut<'a>,
}

impl PackedPointwise<'_> {
    /// Length of [`PackedPointwise::scratch`].
    pub fn scratch_len(weights: &PackedWeights, channels: usize) -> usize {
        let stride = chunk_columns(channels.div_ceil(2));
        row::block_len(weights.words(), stride) + row::block_len(weights.outputs(), stride)
    }
}

impl PackedKernel for PackedPointwise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { src, channels, activation, weights, columns, width, scratch, mut dst } = self;
        check_columns(&columns, width);
        let stride = chunk_columns(channels.div_ceil(2));
        let (words, floats) = scratch.split_at_mut(row::block_len(weights.words(), stride));
        let floats = &mut floats[..row::block_len(weights.outputs(), stride)];
        for start in columns.clone().step_by(stride) {
            let len = columns.end.min(start + stride) - start;
            let whole = Floats { row: src, first: start, channels, activation };
            pack(lanes, whole, len, RowMut { data: words, stride }, 0);
            let tap = Tap { row: Row { data: words, stride }, dx: 0 };
            let outputs = PackedDense {
                taps: &[tap],
                weights,
                add: None,
                columns: 0..len,
                width: len.min(width - start),
                dst: RowMut { data: floats, stride },
            };
            chunk(lanes, outputs);
            let outputs = Floats {
                row: Row { data: floats, stride },
                first: 0,
                channels: weights.outputs(),
                activation: Activation::None,
            };
            pack(lanes, outputs, len, dst.reborrow(), start);
        }
    }
}

/// Some channels of a row of floats from a column on, to be packed.
#[derive(Clone, Copy)]
struct Floats<'a> {
    row: Row<'a>,
    first: usize,
    channels: usize,
    activation: Activation,
}

/// Packs `len` columns, rounded up to whole vectors, and stores the words from column `to` on.
#[inline(always)]
fn pack<L: PackedLanes>(lanes: L, src: Floats<'_>, len: usize, dst: RowMut<'_>, to: usize) {
    lanes.enter_packed(Pack { src, len, dst, to });
}

struct Pack<'a> {
    src: Floats<'a>,
    len: usize,
    dst: RowMut<'a>,
    to: usize,
}

impl PackedKernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { src: Floats { row, first, channels, activation }, len, dst, to } = self;
        let len = len.next_multiple_of(L::WIDTH);
        let zero = lanes.splat(0.0);
        for (word, c) in (0..channels).step_by(L::CHANNELS).enumerate() {
            let out = &mut dst.data[MARGIN + word * dst.stride + to..][..len];
            // Channels that are missing are the last one again, but zero.
            let mut sources: [&[f32]; 4] = [&[]; 4];
            for (i, source) in sources.iter_mut().enumerate().take(L::CHANNELS) {
                let channel = (c + i).min(channels - 1);
                *source = &row.data[MARGIN + channel * row.stride + first..][..len];
            }
            let missing = L::CHANNELS.saturating_sub(channels - c);
            for x in (0..len).step_by(L::WIDTH) {
                let mut values = [zero; 4];
                for (i, value) in values.iter_mut().enumerate().take(L::CHANNELS) {
                    *value = lanes.load(&sources[i][x..]);
                    if activation == Activation::Relu {
                        *value = lanes.max(*value, zero);
                    }
                    if i + missing >= L::CHANNELS {
                        *value = zero;
                    }
                }
                lanes.store_words(&mut out[x..], lanes.pack(values));
            }
        }
    }
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
