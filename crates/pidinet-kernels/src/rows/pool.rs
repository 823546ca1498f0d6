//! Max-pooling of 2x2 windows with stride 2: two rows become one.

use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::row::{MARGIN, Row, RowMut};
use crate::rows::window::check_columns;
use std::ops::Range;

/// `dst[c][x] = max over the four values [c][2 x], [c][2 x + 1] of both rows`, leaving out the last column
/// of an odd map. Which value wins against NaN is not specified.
///
/// # Panics
///
/// [`Kernel::run`] panics when a row is too short, or when `columns` is not as
/// [`Dense`](crate::rows::dense::Dense) describes.
#[derive(Debug)]
pub struct MaxPool<'a> {
    /// The two rows.
    pub rows: [Row<'a>; 2],
    /// Channels of the rows.
    pub channels: usize,
    /// Output columns to compute, as in [`Dense`](crate::rows::dense::Dense).
    pub columns: Range<usize>,
    /// Columns of the output: half of the input's.
    pub width: usize,
    /// The row to write.
    pub dst: RowMut<'a>,
}

impl Kernel for MaxPool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { rows: [upper, lower], channels, columns, width, dst } = self;
        check_columns(&columns, width);
        for c in 0..channels {
            for x in columns.clone().step_by(L::WIDTH) {
                let upper = &upper.data[MARGIN + c * upper.stride + 2 * x..][..2 * L::WIDTH];
                let lower = &lower.data[MARGIN + c * lower.stride + 2 * x..][..2 * L::WIDTH];
                let left = lanes.max(lanes.load(upper), lanes.load(lower));
                let right = lanes.max(lanes.load(&upper[L::WIDTH..]), lanes.load(&lower[L::WIDTH..]));
                let (even, odd) = lanes.deinterleave(left, right);
                let most = lanes.keep_first(lanes.max(even, odd), width - x);
                lanes.store(&mut dst.data[MARGIN + c * dst.stride + x..], most);
            }
        }
    }
}
