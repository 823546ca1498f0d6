//! Dense convolutions of stride 1: every output channel sees every input channel.
//!
//! ```text
//! dst[o][x] = bias[o] + sum_taps sum_i w[o][tap][i] * act(tap.row[i][x + tap.dx]) + add[o][x]
//! ```
//!
//! One kernel for all of them: a 1x1 convolution has one tap, a 3x3 nine, the four dilated 3x3 of a CDCM
//! thirty-six, and two maps are concatenated by giving both as taps. It is a matrix product whose second
//! factor is never gathered: a tile of a few outputs by a few vectors of columns stays in registers while
//! all taps and channels are added to it, in the same order for every tile, so the result does not depend
//! on the tiles.

mod pack;
pub(crate) mod tile;

pub use pack::DenseWeights;
pub(crate) use pack::{TallestTile, tiles};

use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::row::{MARGIN, Row, RowMut};
use std::ops::Range;

/// What is done to a value before or after a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `max(x, 0)`, and 0 for NaN.
    Relu,
}

/// One position of a convolution window: a row, and how far right of the output column it is read.
#[derive(Clone, Copy, Debug)]
pub struct Tap<'a> {
    /// The row it reads, with as many channels as the weights say this tap has.
    pub row: Row<'a>,
    /// Columns to the right of the output's.
    pub dx: isize,
}

/// A row of a dense convolution.
///
/// # Panics
///
/// [`Kernel::run`] panics when a row is too short for the columns asked for, when there are not as many
/// taps as the weights have, or when `columns` is not as described.
#[derive(Debug)]
pub struct Dense<'a> {
    /// Where to read, in the order of the weights. Rows wider than the map by at least `|dx|` zeros
    /// ([`row::stride`](crate::rows::row::stride)) give the zero padding.
    pub taps: &'a [Tap<'a>],
    /// Packed weights and bias.
    pub weights: &'a DenseWeights,
    /// Applied to the inputs as they are read.
    pub activation: Activation,
    /// A row with as many channels as the output, added to it.
    pub add: Option<Row<'a>>,
    /// Columns to compute: from a multiple of [`MARGIN`] to another, or to `width`. They reach `dst` as
    /// whole vectors, zeros from column `width` on.
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// The row to write.
    pub dst: RowMut<'a>,
}

impl Kernel for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { taps, weights, activation, add, columns, width, mut dst } = self;
        check_columns(&columns, width);
        let step = chunk_columns(weights.inputs());
        for start in columns.clone().step_by(step) {
            let columns = start..columns.end.min(start + step);
            chunk(lanes, Chunk { taps, weights, activation, add, columns, width, dst: dst.reborrow() });
        }
    }
}

/// The part of a [`Dense`] whose inputs are in the caches for every tile but the first.
pub(crate) type Chunk<'a> = Dense<'a>;

/// Columns that a kernel works on at a time: 124 KiB of inputs, that the second-level cache holds beside the weights and that
/// are a whole row of maps of 481 columns. With as many as the first-level cache holds, a quarter, blocks were 3 to 6 % slower:
/// depthwise convolutions read their rows in shorter pieces, and more tiles begin and end. A multiple of 32, which is as wide as
/// most tiles.
pub fn chunk_columns(channels: usize) -> usize {
    const FLOATS: usize = 31744;
    (FLOATS / channels.max(1)).clamp(96, 1024) / 32 * 32
}

/// Asserts that `columns` is a range a kernel can be asked for.
pub(crate) fn check_columns(columns: &Range<usize>, width: usize) {
    assert!(columns.end <= width, "columns {columns:?} of a map {width} wide");
    assert!(
        columns.start.is_multiple_of(MARGIN),
        "columns {columns:?} do not start at a multiple of {MARGIN}"
    );
    assert!(
        columns.end == width || columns.end.is_multiple_of(MARGIN),
        "columns {columns:?} end neither at a multiple of {MARGIN} nor at {width}"
    );
}

/// Computes all output channels of a chunk, tile after tile.
#[inline(always)]
pub(crate) fn chunk<L: Lanes>(lanes: L, job: Chunk<'_>) {
    let Chunk { taps, weights, activation, add, columns, width, mut dst } = job;
    assert_eq!(taps.len(), weights.inputs_per_tap().len(), "taps of the row and of the weights");
    for tile in weights.tiles() {
        let part =
            tile::Part { taps, tile, activation, add, columns: columns.clone(), width, dst: dst.reborrow() };
        tile::run(lanes, part);
    }
}
