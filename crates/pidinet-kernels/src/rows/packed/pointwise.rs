//! A 1x1 convolution that reads floats and writes words.

use super::dense::{PackedDense, chunk, chunk_columns};
use super::pack::{Floats, pack};
use super::weights::PackedWeights;
use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::row::{self, Row, RowMut};
use crate::rows::window::{Activation, Tap, check_columns};
use std::ops::Range;

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
    /// Working memory; its content does not matter.
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
