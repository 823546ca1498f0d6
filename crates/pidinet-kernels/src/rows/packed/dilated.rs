//! A sum of dilated 3x3 convolutions of one map, with products of int16, a band of rows at a time.
//!
//! ```text
//! dst[o][y][x] = bias[o] + step * sum_taps sum_i w[o][tap][i] * round(src[i][y + tap.dy][x + tap.dx] / step)
//! ```
//!
//! The rows of a band are packed once, though each is read by up to nine others, and share [a step](super::int16).

use super::dense::{PackedDense, chunk};
use super::int16::{Finish, Read, pack};
use super::weights::PackedWeights;
use crate::isa::Isa;
use crate::lanes::words::{Format, PackedKernel, PackedLanes};
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
        let mut begins = Vec::with_capacity(rows.len());
        let mut first = columns.start;
        while first < columns.end {
            let here = first..columns.end.min(first + weights.chunk_columns());
            first = here.end;
            let stride = here.len().next_multiple_of(MARGIN) + 2 * MARGIN;
            let len = row::block_len(weights.words(), stride);
            // From a margin before the first column on.
            begins.clear();
            begins.extend(rows.iter().map(|row| Row { data: &row.data[here.start..], stride: row.stride }));
            let read = Read { rows: &begins, inputs: weights.inputs, len: stride };
            let step = pack(lanes, read, scratch, len);
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
