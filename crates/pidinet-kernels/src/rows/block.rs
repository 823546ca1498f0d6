//! A residual block in one pass: depthwise convolution, ReLU, 1x1 convolution and shortcut.
//!
//! ```text
//! dst = pointwise(relu(depthwise(rows))) + shortcut
//! ```
//!
//! The depthwise output of a few columns stays in the cache until the 1x1 convolution has read it;
//! it is never a whole map. The result is that of [`Depthwise`] followed by [`Dense`], bit for bit.

use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::dense::{self, Dense, DenseWeights, chunk_columns};
use crate::rows::depthwise::{self, Depthwise, DepthwiseWeights};
use crate::rows::row::{self, Row, RowMut};
use crate::rows::window::{Activation, Tap, check_columns};
use std::ops::Range;

/// What is added to the output of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// The block's input: the middle row.
    Identity,
    /// A 1x1 convolution of the block's input: the second tap of `pointwise`, its bias included.
    Projection,
}

/// A row of a residual block.
///
/// # Panics
///
/// [`Kernel::run`] panics where [`Depthwise`] or [`Dense`] would, and when `scratch` is shorter than
/// [`scratch_len`].
#[derive(Debug)]
pub struct Block<'a> {
    /// The rows of the depthwise window, as in [`Depthwise`].
    pub rows: &'a [Row<'a>],
    /// Weights of the depthwise convolution.
    pub depthwise: &'a DepthwiseWeights,
    /// Weights of the 1x1 convolution: one tap, or two with [`Shortcut::Projection`].
    pub pointwise: &'a DenseWeights,
    /// What is added.
    pub shortcut: Shortcut,
    /// Columns to compute, as in [`Dense`].
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// Working memory, [`scratch_len`] long; its content does not matter.
    pub scratch: &'a mut [f32],
    /// The row to write.
    pub dst: RowMut<'a>,
}

/// Length of [`Block::scratch`] for an input of `channels`.
pub fn scratch_len(channels: usize) -> usize {
    row::block_len(channels, chunk_columns(channels))
}

impl Kernel for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { rows, depthwise, pointwise, shortcut, columns, width, scratch, mut dst } = self;
        check_columns(&columns, width);
        let channels = depthwise.channels();
        let stride = chunk_columns(channels);
        let scratch = &mut scratch[..row::block_len(channels, stride)];
        let middle = rows[rows.len() / 2];
        for start in columns.clone().step_by(stride) {
            let columns = start..columns.end.min(start + stride);
            let between = Depthwise {
                rows,
                weights: depthwise,
                activation: Activation::Relu,
                columns: columns.clone(),
                width: start + stride, // what lies beyond the map is left out by the 1x1 convolution
                dst: RowMut { data: scratch, stride },
            };
            depthwise::chunk(lanes, between, start);

            let taps = [
                Tap { row: Row { data: scratch, stride }, dx: -(start as isize) },
                Tap { row: middle, dx: 0 },
            ];
            let (taps, add) = match shortcut {
                Shortcut::Identity => (&taps[..1], Some(middle)),
                Shortcut::Projection => (&taps[..], None),
            };
            let out = Dense {
                taps,
                weights: pointwise,
                activation: Activation::None,
                add,
                columns,
                width,
                dst: dst.reborrow(),
            };
            dense::chunk(lanes, out);
        }
    }
}
