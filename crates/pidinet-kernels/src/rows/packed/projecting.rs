//! A residual block with a projection in one pass, with a 1x1 convolution of int16.
//!
//! ```text
//! dst = bias + step * sum_i (w[o][i] * round(relu(depthwise(rows))[i] / step) + p[o][i] * round(middle[i] / step))
//! ```

use super::dense::{PackedDense, chunk, unit_columns};
use super::int16::{Finish, Read, pack};
use super::weights::PackedWeights;
use crate::isa::Isa;
use crate::lanes::words::{Format, PackedKernel, PackedLanes};
use crate::rows::depthwise::{self, Depthwise, DepthwiseWeights};
use crate::rows::row::{self, MARGIN, Row, RowMut};
use crate::rows::window::{Activation, Tap, check_columns};
use std::ops::Range;

/// Weights of the 1x1 convolution and the projection of a block.
#[derive(Clone, Debug)]
pub struct ProjectingWeights {
    weights: PackedWeights,
    bias: Vec<f32>,
}

impl ProjectingWeights {
    /// Packs weights `[outputs, 2, inputs]`, first the 1x1 convolution's, then the projection's; without `bias` the
    /// bias is zero.
    ///
    /// # Panics
    ///
    /// When the lengths do not fit together.
    pub fn pack(isa: Isa, matrix: &[f32], inputs: usize, bias: Option<&[f32]>) -> ProjectingWeights {
        let weights = PackedWeights::pack(isa, Format::Int16, matrix, &[inputs; 2], None);
        let bias = bias.map_or_else(|| vec![0.0; weights.outputs()], <[f32]>::to_vec);
        assert_eq!(bias.len(), weights.outputs(), "biases of {} outputs", weights.outputs());
        ProjectingWeights { weights, bias }
    }

    /// [`Format::Int16`].
    pub fn format(&self) -> Format {
        self.weights.format()
    }
}

/// A row of a residual block with a projection, as [`Block`](crate::rows::block::Block). The depthwise convolution
/// is in floats; its output and the block's input are packed with one step for [`ProjectingBlock::columns`] at a
/// time.
///
/// # Panics
///
/// As [`Block`](crate::rows::block::Block).
#[derive(Debug)]
pub struct ProjectingBlock<'a> {
    /// The rows of the depthwise window.
    pub rows: &'a [Row<'a>],
    /// Weights of the depthwise convolution.
    pub depthwise: &'a DepthwiseWeights,
    /// Weights of the 1x1 convolution and the projection.
    pub weights: &'a ProjectingWeights,
    /// Columns to compute, as in [`Dense`](crate::rows::dense::Dense).
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// Working memory, [`ProjectingBlock::scratch_len`] long; its content does not matter.
    pub scratch: &'a mut [f32],
    /// The row to write.
    pub dst: RowMut<'a>,
}

impl ProjectingBlock<'_> {
    /// Columns that share a step, of an input of `channels`: the floats of the depthwise convolution take 64 KiB.
    pub fn columns(channels: usize) -> usize {
        unit_columns(channels)
    }

    /// Length of [`ProjectingBlock::scratch`] for an input of `channels`: floats, and twice as many channels of words.
    pub fn scratch_len(channels: usize) -> usize {
        let stride = Self::columns(channels);
        row::block_len(channels, stride) + 2 * row::block_len(channels.div_ceil(2), stride)
    }
}

impl PackedKernel for ProjectingBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { rows, depthwise, weights, columns, width, scratch, mut dst } = self;
        check_columns(&columns, width);
        let channels = depthwise.channels();
        let most = Self::columns(channels);
        let (floats, words) = scratch.split_at_mut(row::block_len(channels, most));
        let middle = rows[rows.len() / 2];
        for start in columns.clone().step_by(most) {
            let columns = start..columns.end.min(start + most);
            let stride = columns.len().next_multiple_of(L::WIDTH);
            let between = Depthwise {
                rows,
                weights: depthwise,
                activation: Activation::Relu,
                columns: columns.clone(),
                width,
                dst: RowMut { data: floats, stride },
            };
            depthwise::chunk(lanes, between, start);

            let inputs = [
                Row { data: &floats[MARGIN..], stride },
                Row { data: &middle.data[MARGIN + start..], stride: middle.stride },
            ];
            let len = row::block_len(channels.div_ceil(2), stride);
            // Columns beyond the map are zero, so how wide vectors are does not matter.
            let step = pack(lanes, Read { rows: &inputs, inputs: channels, len: stride }, words, len);
            let tap = |at: usize| Tap {
                row: Row { data: &words[at * len..][..len], stride },
                dx: -(start as isize),
            };
            let sums = PackedDense {
                taps: &[tap(0), tap(1)],
                weights: &weights.weights,
                add: None,
                columns: columns.clone(),
                width,
                dst: dst.reborrow(),
            };
            chunk(lanes, sums);
            let bias = &weights.bias;
            lanes.enter_packed(Finish { step, bias, columns, width, dst: dst.reborrow() });
        }
    }
}
