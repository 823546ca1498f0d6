//! What kernels of rows have in common: where a window reads, which columns to compute, and what an
//! activation does.

use crate::rows::row::{MARGIN, Row};
use std::ops::Range;

/// What happens to a value before or after a convolution.
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
    /// The row that it reads, with as many channels as the weights have for this tap.
    pub row: Row<'a>,
    /// Columns to the right of the output's.
    pub dx: isize,
}

/// Asserts that `columns` is a range that a kernel can compute.
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
