//! A sum of dilated 3x3 convolutions of one map, with products of int16, a band of rows at a time.
//!
//! ```text
//! dst[o][y][x] = bias[o] + step * sum_taps sum_i w[o][tap][i] * round(src[i][y + tap.dy][x + tap.dx] / step)
//! ```
//!
//! The rows of a band are packed once, though each is read by up to nine others. The step is a 4095th of the
//! greatest value among the columns that are computed together, so no range has to be known beforehand, and
//! rounding is as fine as with numbers of twelve bits and a sign.

use super::dense::{PackedDense, chunk};
use super::weights::PackedWeights;
use crate::isa::Isa;
use crate::lanes::floats::WIDEST;
use crate::lanes::words::{Format, GREATEST_INT16, PackedKernel, PackedLanes};
use crate::rows::dilated::BAND;
use crate::rows::row::{self, MARGIN, Row, RowMut};
use crate::rows::window::{Tap, check_columns};
use std::ops::Range;

/// Weights of a sum of dilated convolutions of one map.
#[derive(Clone, Debug)]
pub struct PackedDilatedWeights {
    inputs: usize,
    bias: Vec<f32>,
    /// Rows down and columns right of each tap.
    taps: Vec<(isize, isize)>,
    weights: PackedWeights,
}

impl PackedDilatedWeights {
    /// Packs weights `[outputs, tap, input]` and where each tap reads, rows down and columns right; without
    /// `bias` the bias is zero.
    ///
    /// # Panics
    ///
    /// When the lengths do not fit together, or a tap is more than [`MARGIN`] columns away.
    pub fn pack(
        isa: Isa,
        matrix: &[f32],
        taps: &[(isize, isize)],
        inputs: usize,
        bias: Option<&[f32]>,
    ) -> PackedDilatedWeights {
        assert!(
            taps.iter().all(|(_, dx)| dx.unsigned_abs() <= MARGIN),
            "taps reach {MARGIN} columns at most"
        );
        let weights = PackedWeights::pack(isa, Format::Int16, matrix, &vec![inputs; taps.len()], None);
        let bias = bias.map_or_else(|| vec![0.0; weights.outputs()], <[f32]>::to_vec);
        assert_eq!(bias.len(), weights.outputs(), "biases of {} outputs", weights.outputs());
        PackedDilatedWeights { inputs, bias, taps: taps.to_vec(), weights }
    }

    /// [`Format::Int16`].
    pub fn format(&self) -> Format {
        self.weights.format()
    }

    /// Rows above and below a row that are read.
    pub fn reach(&self) -> usize {
        self.taps.iter().map(|(dy, _)| dy.unsigned_abs()).max().unwrap_or(0)
    }

    /// Length of [`PackedDilated::scratch`].
    pub fn scratch_len(&self) -> usize {
        (BAND + 2 * self.reach()) * self.row_len(self.chunk_columns())
    }

    /// Words of a pixel.
    fn words(&self) -> usize {
        self.format().words(self.inputs)
    }

    /// Columns that are computed at a time: all rows that a band reads, as words, take 256 KiB with those on
    /// either side. That is a half or a quarter of most second-level caches; it is the same on every machine,
    /// since they have one step.
    fn chunk_columns(&self) -> usize {
        const WORDS: usize = 65536;
        const COLUMNS: usize = 2 * MARGIN;
        let columns = WORDS / ((BAND + 2 * self.reach()) * self.words());
        (columns.saturating_sub(2 * MARGIN)).max(COLUMNS) / COLUMNS * COLUMNS
    }

    /// Length of a packed row of this many columns, and those read on either side.
    fn row_len(&self, columns: usize) -> usize {
        row::block_len(self.words(), columns + 2 * MARGIN)
    }
}

/// A band of rows of a sum of dilated convolutions, as [`Dilated`](crate::rows::dilated::Dilated).
///
/// # Panics
///
/// As [`Dilated`](crate::rows::dilated::Dilated).
#[derive(Debug)]
pub struct PackedDilated<'a> {
    /// The rows from [`PackedDilatedWeights::reach`] above the first written row to as many below the last,
    /// with zeros for those outside the map.
    pub rows: &'a [Row<'a>],
    /// Packed weights and bias.
    pub weights: &'a PackedDilatedWeights,
    /// Columns to compute, as in [`Dense`](crate::rows::dense::Dense).
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// Working memory, [`PackedDilatedWeights::scratch_len`] long; its content does not matter.
    pub scratch: &'a mut [f32],
    /// The rows to write: [`BAND`], or fewer at the end of the map.
    pub dst: &'a mut [RowMut<'a>],
}

impl PackedKernel for PackedDilated<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { rows, weights, columns, width, scratch, dst } = self;
        check_columns(&columns, width);
        assert!(dst.len() <= BAND, "a band of {} rows", dst.len());
        let reach = weights.reach();
        assert_eq!(rows.len(), dst.len() + 2 * reach, "rows to read for {} to write", dst.len());
        let mut first = columns.start;
        while first < columns.end {
            let here = first..columns.end.min(first + weights.chunk_columns());
            first = here.end;
            let stride = here.len().next_multiple_of(MARGIN) + 2 * MARGIN;
            let len = row::block_len(weights.words(), stride);
            let read = Read { rows, inputs: weights.inputs, first: here.start, len: stride };
            let step = lanes.enter_packed(Greatest(read)) / GREATEST_INT16;
            // Of numbers that are zero, or none, nothing is left.
            let step = if step > f32::MIN_POSITIVE * 1e4 && step.is_finite() { step } else { 1.0 };
            lanes.enter_packed(Pack { read, scale: 1.0 / step, words: scratch, len });
            let begin = MARGIN as isize - here.start as isize;
            let mut taps = Vec::with_capacity(weights.taps.len());
            for (y, row) in dst.iter_mut().enumerate() {
                taps.clear();
                taps.extend(weights.taps.iter().map(|(dy, dx)| {
                    let at = (reach + y).checked_add_signed(*dy).expect("taps are within reach");
                    Tap { row: Row { data: &scratch[at * len..][..len], stride }, dx: dx + begin }
                }));
                let sums = PackedDense {
                    taps: &taps,
                    weights: &weights.weights,
                    add: None,
                    columns: here.clone(),
                    width,
                    dst: row.reborrow(),
                };
                chunk(lanes, sums);
                let bias = &weights.bias;
                lanes.enter_packed(Finish { step, bias, columns: here.clone(), width, dst: row.reborrow() });
            }
        }
    }
}

/// What a chunk of a band reads: of each row, `len` columns from [`MARGIN`] before column `first` on.
#[derive(Clone, Copy)]
struct Read<'a> {
    rows: &'a [Row<'a>],
    inputs: usize,
    first: usize,
    len: usize,
}

impl<'a> Read<'a> {
    fn channel(&self, row: usize, channel: usize) -> &'a [f32] {
        let Row { data, stride } = self.rows[row];
        &data[channel * stride + self.first..][..self.len]
    }
}

/// The greatest absolute value.
struct Greatest<'a>(Read<'a>);

impl PackedKernel for Greatest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) -> f32 {
        let zero = lanes.splat(0.0);
        let mut greatest = [zero; 2];
        for row in 0..self.0.rows.len() {
            for channel in 0..self.0.inputs {
                for values in self.0.channel(row, channel).chunks_exact(L::WIDTH) {
                    let values = lanes.load(values);
                    greatest[0] = lanes.max(values, greatest[0]);
                    greatest[1] = lanes.max(lanes.sub(zero, values), greatest[1]);
                }
            }
        }
        let mut all = [0.0; WIDEST];
        lanes.store(&mut all, lanes.max(greatest[0], greatest[1]));
        all.into_iter().fold(0.0, f32::max)
    }
}

/// Packs rows, `len` apart.
struct Pack<'a> {
    read: Read<'a>,
    scale: f32,
    words: &'a mut [f32],
    len: usize,
}

impl PackedKernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { read, scale, words, len } = self;
        let scale = lanes.splat(scale);
        let zero = lanes.splat(0.0);
        for (row, words) in words.chunks_exact_mut(len).enumerate().take(read.rows.len()) {
            let words = words[MARGIN..].chunks_exact_mut(read.len);
            for (channel, words) in (0..read.inputs).step_by(2).zip(words) {
                let even = read.channel(row, channel);
                let odd = if channel + 1 < read.inputs { read.channel(row, channel + 1) } else { even };
                // A missing channel is zero.
                let odd_scale = if channel + 1 < read.inputs { scale } else { zero };
                for x in (0..read.len).step_by(L::WIDTH) {
                    let even = lanes.mul(lanes.load(&even[x..]), scale);
                    let odd = lanes.mul(lanes.load(&odd[x..]), odd_scale);
                    lanes.store_words(&mut words[x..], lanes.pack([even, odd, zero, zero]));
                }
            }
        }
    }
}

/// Multiplies sums by the step and adds the bias.
struct Finish<'a> {
    step: f32,
    bias: &'a [f32],
    columns: Range<usize>,
    width: usize,
    dst: RowMut<'a>,
}

impl PackedKernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { step, bias, columns, width, dst } = self;
        let step = lanes.splat(step);
        for (channel, &bias) in bias.iter().enumerate() {
            let bias = lanes.splat(bias);
            for x in columns.clone().step_by(L::WIDTH) {
                let place = &mut dst.data[MARGIN + channel * dst.stride + x..];
                let value = lanes.mul_add(lanes.load(place), step, bias);
                lanes.store(place, lanes.keep_first(value, width - x));
            }
        }
    }
}
