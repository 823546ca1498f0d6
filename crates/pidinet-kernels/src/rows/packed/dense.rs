//! A row of a dense convolution, with products of words.

use super::weights::{Output, PackedWeights};
use crate::caches::second_level;
use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::dense::columns_within;
use crate::rows::row::{Row, RowMut};
use crate::rows::tile::{self, Arithmetic, Job, Products};
use crate::rows::window::{Tap, check_columns};
use std::ops::Range;

/// A row of a dense convolution of words.
///
/// # Panics
///
/// As [`Dense`](crate::rows::dense::Dense), and when the format it is run with is not that of the weights.
#[derive(Debug)]
pub struct PackedDense<'a> {
    /// Where to read words, in the order of the weights; zeros around a map provide the zero padding.
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

/// Columns that a kernel works on at a time: words for a sixteenth of the second-level cache. They are half as
/// many bytes as [floats](crate::rows::dense::chunk_columns), and as many columns.
pub fn chunk_columns(words: usize) -> usize {
    columns_within(second_level() / 16, words)
}

/// Columns that are computed again together if one of them was [cut](crate::rows::packed::PackedBlock): the same
/// on every machine, since that changes the result.
pub fn unit_columns(words: usize) -> usize {
    columns_within(64 << 10, words)
}

/// Computes columns whose inputs are in the caches for every tile except the first.
#[inline(always)]
pub(super) fn chunk<L: PackedLanes>(lanes: L, job: PackedDense<'_>) {
    let PackedDense { taps, weights, add, columns, width, dst } = job;
    assert_eq!(L::FORMAT, weights.format(), "the format of lanes and of weights");
    tile::all::<L, Words>(lanes, weights.matrix(), Job { taps, add, columns, width, dst });
}

/// Products of words.
#[derive(Clone, Copy)]
struct Words;

impl Arithmetic for Words {
    type Weight = u32;
    type Output = Output;
}

impl<L: PackedLanes> Products<L> for Words {
    type Value = L::Words;
    type Sum = L::Sums;

    #[inline(always)]
    fn enter<const H: usize, const V: usize>(lanes: L, columns: tile::Columns<'_, Self, H, V>) {
        lanes.enter_packed(columns);
    }

    #[inline(always)]
    fn load(lanes: L, src: &[f32]) -> L::Words {
        lanes.load_words(src)
    }

    #[inline(always)]
    fn splat(lanes: L, weight: u32) -> L::Words {
        lanes.splat_word(weight)
    }

    #[inline(always)]
    fn begin(lanes: L, output: Output) -> L::Sums {
        lanes.begin(output.start)
    }

    #[inline(always)]
    fn mul_add(lanes: L, sum: L::Sums, weight: L::Words, value: L::Words) -> L::Sums {
        lanes.dot(sum, value, weight)
    }

    #[inline(always)]
    fn finish(lanes: L, sum: L::Sums, output: Output) -> L::F32 {
        lanes.finish(sum, output.scale)
    }

    #[inline(always)]
    fn finish_and_add(lanes: L, sum: L::Sums, output: Output, add: L::F32) -> L::F32 {
        lanes.finish_and_add(sum, output.scale, add)
    }
}

impl<const H: usize, const V: usize> PackedKernel for tile::Columns<'_, Words, H, V> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        self.compute(lanes);
    }
}
