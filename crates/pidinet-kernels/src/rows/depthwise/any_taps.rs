//! Depthwise convolutions with any window.

use super::job::Job;
use super::sink::{Channel, Columns, Floats, Sink, Words};
use super::weights::TapPlace;
use crate::lanes::floats::{Kernel, Lanes};
use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::row::{MARGIN, Row};
use std::ops::Range;

/// A depthwise convolution of any number of taps.
pub(super) struct AnyTaps<'a, S> {
    pub(super) job: Job<'a>,
    pub(super) sink: S,
}

impl Kernel for AnyTaps<'_, Floats<'_>> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        self.channels(lanes);
    }
}

impl PackedKernel for AnyTaps<'_, Words<'_>> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        self.channels(lanes);
    }
}

impl<S> AnyTaps<'_, S> {
    #[inline(always)]
    fn channels<L: Lanes>(self, lanes: L)
    where
        S: Sink<L>,
    {
        let Self { job, mut sink } = self;
        let floor = job.floor(lanes);
        let Job { rows, weights, columns, .. } = job;
        let taps = weights.taps.len();
        let len = columns.len().next_multiple_of(L::WIDTH);
        for c in 0..weights.channels {
            let kernel = &weights.packed[c * taps..][..taps];
            let channel =
                AnyChannel::<L> { rows, places: &weights.taps, kernel, c, columns: columns.clone(), floor };
            sink.take(lanes, c, len, channel);
        }
    }
}

/// A channel of [`AnyTaps`].
struct AnyChannel<'a, L: Lanes> {
    rows: &'a [Row<'a>],
    places: &'a [TapPlace],
    kernel: &'a [f32],
    c: usize,
    columns: Range<usize>,
    floor: L::F32,
}

impl<L: Lanes> Channel<L> for AnyChannel<'_, L> {
    #[inline(always)]
    fn compute(self, lanes: L, mut out: impl Columns<L>) {
        let Self { rows, places, kernel, c, columns, floor } = self;
        for x in columns.step_by(L::WIDTH) {
            let mut sum = lanes.splat(0.0);
            for (place, &weight) in places.iter().zip(kernel) {
                let input = lanes.load(from(rows[place.row], c, x, place.dx, L::WIDTH));
                sum = lanes.mul_add(lanes.splat(weight), input, sum);
            }
            out.put(lanes, lanes.max(sum, floor));
        }
    }
}

/// `len` floats of channel `c` from column `x + dx`.
#[inline(always)]
fn from(row: Row<'_>, c: usize, x: usize, dx: isize, len: usize) -> &[f32] {
    let first =
        (MARGIN + c * row.stride + x).checked_add_signed(dx).expect("taps reach no further than the margin");
    &row.data[first..][..len]
}
