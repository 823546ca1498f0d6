//! A residual block in one pass, with a 1x1 convolution of words.

use super::dense::{PackedDense, chunk, chunk_columns};
use super::pack::{Floats, pack};
use super::weights::PackedWeights;
use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::block::Shortcut;
use crate::rows::depthwise::{self, DepthwiseWeights, Job, Words};
use crate::rows::row::{self, MARGIN, Row, RowMut};
use crate::rows::window::{Activation, Tap, check_columns};
use std::ops::Range;

/// A row of a residual block, as [`Block`](crate::rows::block::Block). The depthwise convolution is in
/// floats; its output is packed as soon as all channels of a word are there.
///
/// It returns whether any of that output was, or may have been, greater than words hold: 255 for int8. The
/// row it writes is then wrong by more than rounding.
///
/// # Panics
///
/// As [`Block`](crate::rows::block::Block), and when the format it is run with is not that of the weights.
#[derive(Debug)]
pub struct PackedBlock<'a> {
    /// The rows of the depthwise window, of floats.
    pub rows: &'a [Row<'a>],
    /// Weights of the depthwise convolution.
    pub depthwise: &'a DepthwiseWeights,
    /// Weights of the 1x1 convolution: one tap, or two with [`Shortcut::Projection`].
    pub pointwise: &'a PackedWeights,
    /// What is added.
    pub shortcut: Shortcut,
    /// Columns to compute, as in [`Dense`](crate::rows::dense::Dense).
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// Working memory, [`scratch_len`] long; its content does not matter.
    pub scratch: &'a mut [f32],
    /// The row of floats to write.
    pub dst: RowMut<'a>,
}

/// Length of [`PackedBlock::scratch`] for an input of `channels`: words of that and of the shortcut's input,
/// and the channels of one word.
pub fn scratch_len(channels: usize) -> usize {
    let stride = chunk_columns(channels.div_ceil(2));
    2 * row::block_len(channels.div_ceil(2), stride) + 4 * stride
}

impl PackedKernel for PackedBlock<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) -> bool {
        let Self { rows, depthwise, pointwise, shortcut, columns, width, scratch, mut dst } = self;
        check_columns(&columns, width);
        let channels = depthwise.channels();
        let stride = chunk_columns(channels.div_ceil(2));
        let len = row::block_len(channels.div_ceil(L::CHANNELS), stride);
        let (between, rest) = scratch.split_at_mut(len);
        let (input, word) = rest.split_at_mut(len);
        let middle = rows[rows.len() / 2];
        let mut is_cut = false;
        for start in columns.clone().step_by(stride) {
            let columns = start..columns.end.min(start + stride);
            let job =
                Job { rows, weights: depthwise, activation: Activation::Relu, columns: columns.clone() };
            // The 1x1 convolution leaves out what lies beyond the map.
            let words = Words { channels: word, dst: RowMut { data: between, stride }, last: channels - 1 };
            depthwise::packed_chunk(lanes, job, words);
            if L::CUTS {
                let inside = columns.end.min(width) - start;
                is_cut |=
                    lanes.enter_packed(AnyCut { words: Row { data: between, stride }, channels, inside });
            }
            if shortcut == Shortcut::Projection {
                let middle = Floats { row: middle, first: start, channels, activation: Activation::None };
                pack(lanes, middle, columns.len(), RowMut { data: input, stride }, 0);
            }

            let dx = -(start as isize);
            let taps = [
                Tap { row: Row { data: between, stride }, dx },
                Tap { row: Row { data: input, stride }, dx },
            ];
            let (taps, add) = match shortcut {
                Shortcut::Identity => (&taps[..1], Some(middle)),
                Shortcut::Projection => (&taps[..], None),
            };
            let job = PackedDense { taps, weights: pointwise, add, columns, width, dst: dst.reborrow() };
            chunk(lanes, job);
        }
        is_cut
    }
}

/// Whether any of the first `inside` columns holds the greatest value of a word.
struct AnyCut<'a> {
    words: Row<'a>,
    channels: usize,
    inside: usize,
}

impl PackedKernel for AnyCut<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) -> bool {
        let Self { words, channels, inside } = self;
        let count = channels.div_ceil(L::CHANNELS);
        let mut is_cut = false;
        for words in words.data[MARGIN..].chunks(words.stride).take(count) {
            let words = words[..inside].chunks_exact(L::WIDTH);
            // Columns beyond the map do not count.
            let mut last = [0.0; MARGIN];
            last[..words.remainder().len()].copy_from_slice(words.remainder());
            is_cut |= lanes.is_cut(lanes.load_words(&last));
            for words in words {
                is_cut |= lanes.is_cut(lanes.load_words(words));
            }
        }
        is_cut
    }
}
