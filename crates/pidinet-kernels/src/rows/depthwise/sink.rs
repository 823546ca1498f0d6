//! Where the output of a depthwise convolution goes: a row of floats, or of words.

use crate::lanes::floats::Lanes;
use crate::lanes::words::PackedLanes;
use crate::rows::row::{MARGIN, RowMut};

/// Where the output goes, channel after channel.
pub(super) trait Sink<L: Lanes> {
    /// Takes channel `c`, of `len` columns.
    fn take(&mut self, lanes: L, c: usize, len: usize, channel: impl Channel<L>);
}

/// A channel of the output, yet to be computed.
pub(super) trait Channel<L: Lanes> {
    /// Computes all columns from left to right.
    fn compute(self, lanes: L, out: impl Columns<L>);
}

/// Where the columns of a channel go.
pub(super) trait Columns<L: Lanes> {
    /// Takes the columns of the next vector.
    fn put(&mut self, lanes: L, value: L::F32);
}

impl<L: Lanes> Columns<L> for &mut [f32] {
    #[inline(always)]
    fn put(&mut self, lanes: L, value: L::F32) {
        let next = self.split_off_mut(..L::WIDTH).expect("room for all columns");
        lanes.store(next, value);
    }
}

/// A row of floats, written from column `first` on.
pub(super) struct Floats<'a> {
    pub(super) first: usize,
    /// Columns that are inside the map.
    pub(super) inside: usize,
    pub(super) dst: RowMut<'a>,
}

impl<L: Lanes> Sink<L> for Floats<'_> {
    #[inline(always)]
    fn take(&mut self, lanes: L, c: usize, len: usize, channel: impl Channel<L>) {
        let out = &mut self.dst.data[MARGIN + c * self.dst.stride + self.first..][..len];
        channel.compute(lanes, &mut *out);
        out[len.min(self.inside)..].fill(0.0);
    }
}

/// A row of words, written from column 0 on.
pub(crate) struct Words<'a> {
    /// Room for the channels of a word, [`RowMut::stride`] columns each.
    pub(crate) channels: &'a mut [f32],
    pub(crate) dst: RowMut<'a>,
    /// The last channel: it completes a word.
    pub(crate) last: usize,
}

impl<L: PackedLanes> Sink<L> for Words<'_> {
    #[inline(always)]
    fn take(&mut self, lanes: L, c: usize, len: usize, channel: impl Channel<L>) {
        let stride = self.dst.stride;
        let (word, place) = (c / L::CHANNELS, c % L::CHANNELS);
        let (before, rest) = self.channels.split_at_mut(place * stride);
        if place + 1 == L::CHANNELS {
            let out = &mut self.dst.data[MARGIN + word * stride..][..len];
            channel.compute(lanes, Packed { before, stride, out });
            return;
        }
        channel.compute(lanes, &mut rest[..len]);
        if c == self.last {
            // Missing channels are zero.
            self.channels[(place + 1) * stride..].fill(0.0);
            let last = (L::CHANNELS - 1) * stride;
            let (before, rest) = self.channels.split_at(last);
            let out = &mut self.dst.data[MARGIN + word * stride..][..len];
            let mut out = Packed { before, stride, out };
            for x in (0..len).step_by(L::WIDTH) {
                out.put(lanes, lanes.load(&rest[x..]));
            }
        }
    }
}

/// Words whose last channel is being computed.
struct Packed<'a> {
    /// The channels before it, `stride` columns each.
    before: &'a [f32],
    stride: usize,
    out: &'a mut [f32],
}

impl<L: PackedLanes> Columns<L> for Packed<'_> {
    #[inline(always)]
    fn put(&mut self, lanes: L, value: L::F32) {
        let mut channels = [value; 4];
        for (place, channel) in channels.iter_mut().enumerate().take(L::CHANNELS - 1) {
            *channel = lanes.load(&self.before[place * self.stride..]);
        }
        self.before.split_off(..L::WIDTH).expect("columns of the channels before");
        let next = self.out.split_off_mut(..L::WIDTH).expect("room for all columns");
        lanes.store_words(next, lanes.pack(channels));
    }
}
