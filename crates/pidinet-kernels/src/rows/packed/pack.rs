//! From floats to words.

use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::row::{MARGIN, Row, RowMut};
use crate::rows::window::Activation;

/// Some channels of a row of floats, from a column on, to be packed.
#[derive(Clone, Copy)]
pub(super) struct Floats<'a> {
    pub(super) row: Row<'a>,
    pub(super) first: usize,
    pub(super) channels: usize,
    pub(super) activation: Activation,
}

/// Packs `len` columns, rounded up to whole vectors, and stores the words from column `to` on.
#[inline(always)]
pub(super) fn pack<L: PackedLanes>(lanes: L, src: Floats<'_>, len: usize, dst: RowMut<'_>, to: usize) {
    lanes.enter_packed(Pack { src, len, dst, to });
}

struct Pack<'a> {
    src: Floats<'a>,
    len: usize,
    dst: RowMut<'a>,
    to: usize,
}

impl PackedKernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Self { src: Floats { row, first, channels, activation }, len, dst, to } = self;
        let len = len.next_multiple_of(L::WIDTH);
        let zero = lanes.splat(0.0);
        for (word, c) in (0..channels).step_by(L::CHANNELS).enumerate() {
            let out = &mut dst.data[MARGIN + word * dst.stride + to..][..len];
            // Missing channels read the last one again, and become zero.
            let mut sources: [&[f32]; 4] = [&[]; 4];
            for (i, source) in sources.iter_mut().enumerate().take(L::CHANNELS) {
                let channel = (c + i).min(channels - 1);
                *source = &row.data[MARGIN + channel * row.stride + first..][..len];
            }
            let missing = L::CHANNELS.saturating_sub(channels - c);
            for x in (0..len).step_by(L::WIDTH) {
                let mut values = [zero; 4];
                for (i, value) in values.iter_mut().enumerate().take(L::CHANNELS) {
                    *value = lanes.load(&sources[i][x..]);
                    if activation == Activation::Relu {
                        *value = lanes.max(*value, zero);
                    }
                    if i + missing >= L::CHANNELS {
                        *value = zero;
                    }
                }
                lanes.store_words(&mut out[x..], lanes.pack(values));
            }
        }
    }
}
