//! Depthwise convolutions of stride 1: every channel sees only itself.
//!
//! ```text
//! dst[c][x] = act(sum_taps w[c][tap] * row[tap.row][c][x + tap.dx])
//! ```

mod any_taps;
mod job;
mod sink;
mod weights;
mod window;

pub(crate) use job::Job;
pub(crate) use sink::Words;
pub use weights::DepthwiseWeights;
pub(crate) use window::{contributions, with_left, with_right};

use self::any_taps::AnyTaps;
use self::sink::Floats;
use self::window::Window;
use crate::lanes::floats::{Kernel, Lanes};
use crate::lanes::words::PackedLanes;
use crate::rows::row::{Row, RowMut};
use crate::rows::window::{Activation, check_columns};
use std::ops::Range;

/// A row of a depthwise convolution.
///
/// # Panics
///
/// [`Kernel::run`] panics when a row is too short for the columns, when the number of rows is not that
/// of the weights, or when `columns` is not as [`Dense`](crate::rows::dense::Dense) describes.
#[derive(Debug)]
pub struct Depthwise<'a> {
    /// The rows of the window, top to bottom: those at `y + dilation * (i - size / 2)`.
    pub rows: &'a [Row<'a>],
    /// Packed weights.
    pub weights: &'a DepthwiseWeights,
    /// Applied to the output.
    pub activation: Activation,
    /// Columns to compute, as in [`Dense`](crate::rows::dense::Dense).
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// The row to write.
    pub dst: RowMut<'a>,
}

impl Kernel for Depthwise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        check_columns(&self.columns, self.width);
        chunk(lanes, self, 0);
    }
}

/// Computes a depthwise convolution into `dst`, `shift` columns to the left of where they belong.
#[inline(always)]
pub(crate) fn chunk<L: Lanes>(lanes: L, job: Depthwise<'_>, shift: usize) {
    let Depthwise { rows, weights, activation, columns, width, dst } = job;
    let sink = Floats { first: columns.start - shift, inside: width.saturating_sub(columns.start), dst };
    let job = Job { rows, weights, activation, columns };
    if !job.is_empty() {
        match job.weights.shape {
            (3, 1, ALL_3) => lanes.enter(Window::<_, 3, ALL_3> { job, sink }),
            (3, 1, ANGULAR) => lanes.enter(Window::<_, 3, ANGULAR> { job, sink }),
            (5, 1, RADIAL) => lanes.enter(Window::<_, 5, RADIAL> { job, sink }),
            (5, 1, ALL_5) => lanes.enter(Window::<_, 5, ALL_5> { job, sink }),
            _ => lanes.enter(AnyTaps { job, sink }),
        }
    }
}

/// Computes a depthwise convolution into words.
#[inline(always)]
pub(crate) fn packed_chunk<L: PackedLanes>(lanes: L, job: Job<'_>, sink: Words<'_>) {
    if !job.is_empty() {
        match job.weights.shape {
            (3, 1, ALL_3) => lanes.enter_packed(Window::<_, 3, ALL_3> { job, sink }),
            (3, 1, ANGULAR) => lanes.enter_packed(Window::<_, 3, ANGULAR> { job, sink }),
            (5, 1, RADIAL) => lanes.enter_packed(Window::<_, 5, RADIAL> { job, sink }),
            (5, 1, ALL_5) => lanes.enter_packed(Window::<_, 5, ALL_5> { job, sink }),
            _ => lanes.enter_packed(AnyTaps { job, sink }),
        }
    }
}

/// Windows, with a bit for every position that has a tap.
pub(crate) const ALL_3: u32 = 0b111_111_111;
pub(crate) const ANGULAR: u32 = 0b111_101_111;
pub(crate) const RADIAL: u32 = 0b10101_01110_11011_01110_10101;
pub(crate) const ALL_5: u32 = 0b11111_11111_11111_11111_11111;
