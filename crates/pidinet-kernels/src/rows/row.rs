//! Rows: how a map lies in memory while a network runs.
//!
//! A map `[c, h, w]` is kept row by row, all channels of a row together: `h` row blocks of
//! `[c, stride]`, so that a strip of rows is one piece of memory and a few rows of every map fit in the
//! cache. A row block begins with [`MARGIN`] zeros and ends with [`MARGIN`] more; each channel is
//! followed by zeros up to its stride. So there are always zeros to the left and right of a channel, and
//! a convolution reads its border without checking where it is. Rows above and below the map are row
//! blocks of zeros.
//!
//! Whoever writes a row keeps those zeros: columns from `width` on are stored as zero.

use crate::lanes::floats::WIDEST;

/// Zeros before and after every row block: the widest vector, and at least the widest padding (11).
pub const MARGIN: usize = WIDEST;

/// Elements from one channel to the next for rows of `width` columns read with `padding` columns of
/// border: a multiple of [`MARGIN`].
pub fn stride(width: usize, padding: usize) -> usize {
    assert!(padding <= MARGIN, "padding {padding} is wider than the margin");
    (width + padding).next_multiple_of(MARGIN)
}

/// Elements of a row block: `MARGIN + channels * stride + MARGIN`.
pub fn block_len(channels: usize, stride: usize) -> usize {
    channels * stride + 2 * MARGIN
}

/// One row of a map, all channels: column `x` of channel `c` is `data[MARGIN + c * stride + x]`.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The row block, margins included.
    pub data: &'a [f32],
    /// Elements from one channel to the next.
    pub stride: usize,
}

/// A row that is written.
#[derive(Debug)]
pub struct RowMut<'a> {
    /// The row block, margins included.
    pub data: &'a mut [f32],
    /// Elements from one channel to the next.
    pub stride: usize,
}

impl RowMut<'_> {
    /// The same row, borrowed for a shorter time.
    pub fn reborrow(&mut self) -> RowMut<'_> {
        RowMut { data: self.data, stride: self.stride }
    }
}
