//! Depthwise convolutions with a window known at compile time.

use super::job::Job;
use super::sink::{Channel, Columns, Floats, Sink, Words};
use crate::lanes::floats::{Kernel, Lanes};
use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::row::{MARGIN, Row};

/// A depthwise convolution of dilation 1 with a window known at compile time: `SIZE` rows and columns, with
/// taps at the positions `USED`.
///
/// Sums are shifted, not inputs: each column of the window is summed at the place of its inputs, and then
/// moved to where it belongs. That takes two shuffles a vector for a 3x3 window, where moving the inputs
/// takes six.
pub(super) struct Window<'a, S, const SIZE: usize, const USED: u32> {
    pub(super) job: Job<'a>,
    pub(super) sink: S,
}

impl<const SIZE: usize, const USED: u32> Kernel for Window<'_, Floats<'_>, SIZE, USED> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        self.channels(lanes);
    }
}

impl<const SIZE: usize, const USED: u32> PackedKernel for Window<'_, Words<'_>, SIZE, USED> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        self.channels(lanes);
    }
}

impl<S, const SIZE: usize, const USED: u32> Window<'_, S, SIZE, USED> {
    #[inline(always)]
    fn channels<L: Lanes>(self, lanes: L)
    where
        S: Sink<L>,
    {
        let Self { job, mut sink } = self;
        let floor = job.floor(lanes);
        let Job { rows, weights, columns, .. } = job;
        let rows: &[Row<'_>; SIZE] = rows.try_into().expect("as many rows as the window has");
        let vectors = columns.len().div_ceil(L::WIDTH);
        let taps = const { USED.count_ones() as usize };
        for (c, kernel) in weights.packed.chunks_exact(taps).enumerate() {
            // The vectors of every row, and one more on each side.
            let mut inputs: [&[L::Floats]; SIZE] = [&[]; SIZE];
            for (input, row) in inputs.iter_mut().zip(rows) {
                let first = MARGIN + c * row.stride + columns.start - L::WIDTH;
                *input = &lanes.vectors(&row.data[first..])[..vectors + 2];
            }
            let channel = WindowChannel::<L, SIZE, USED> { kernel, inputs, floor, vectors };
            sink.take(lanes, c, vectors * L::WIDTH, channel);
        }
    }
}

/// A channel of a [`Window`].
struct WindowChannel<'a, L: Lanes, const SIZE: usize, const USED: u32> {
    kernel: &'a [f32],
    inputs: [&'a [L::Floats]; SIZE],
    floor: L::F32,
    vectors: usize,
}

impl<L: Lanes, const SIZE: usize, const USED: u32> Channel<L> for WindowChannel<'_, L, SIZE, USED> {
    #[inline(always)]
    fn compute(self, lanes: L, mut out: impl Columns<L>) {
        let Self { kernel, inputs, floor, vectors } = self;
        // In registers, out of reach of the stores below.
        let mut splats = [lanes.splat(0.0); 25];
        for tap in 0..const { USED.count_ones() as usize } {
            splats[tap] = lanes.splat(kernel[tap]);
        }
        let before = contributions::<L, SIZE, USED>(lanes, &splats, &inputs, 0);
        let mut here = contributions::<L, SIZE, USED>(lanes, &splats, &inputs, 1);
        let mut sum = with_left(lanes, before, here);
        for i in 0..vectors {
            let after = contributions::<L, SIZE, USED>(lanes, &splats, &inputs, i + 2);
            out.put(lanes, lanes.max(with_right(lanes, sum, here, after), floor));
            sum = with_left(lanes, here, after);
            here = after;
        }
    }
}

/// What each column of a window contributes at the places of its inputs, which are those of vector `i`.
#[expect(clippy::needless_range_loop, reason = "indices that the compiler knows keep the sums in registers")]
#[inline(always)]
pub(crate) fn contributions<L: Lanes, const SIZE: usize, const USED: u32>(
    lanes: L,
    splats: &[L::F32; 25],
    inputs: &[&[L::Floats]; SIZE],
    i: usize,
) -> [L::F32; SIZE] {
    let mut sums = [lanes.splat(0.0); SIZE];
    let mut tap = 0;
    for r in 0..SIZE {
        let value = lanes.load(inputs[r][i].as_ref());
        for column in 0..SIZE {
            if USED & 1 << (r * SIZE + column) != 0 {
                sums[column] = lanes.mul_add(splats[tap], value, sums[column]);
                tap += 1;
            }
        }
    }
    sums
}

/// The middle column at its place, and those left of it.
#[inline(always)]
pub(crate) fn with_left<L: Lanes, const SIZE: usize>(
    lanes: L,
    before: [L::F32; SIZE],
    here: [L::F32; SIZE],
) -> L::F32 {
    let mut sum = here[SIZE / 2];
    for column in 0..SIZE / 2 {
        sum = lanes.add(sum, lanes.shifted(before[column], here[column], L::WIDTH + column - SIZE / 2));
    }
    sum
}

/// `sum` and the columns right of the middle.
#[inline(always)]
pub(crate) fn with_right<L: Lanes, const SIZE: usize>(
    lanes: L,
    mut sum: L::F32,
    here: [L::F32; SIZE],
    after: [L::F32; SIZE],
) -> L::F32 {
    for column in SIZE / 2 + 1..SIZE {
        sum = lanes.add(sum, lanes.shifted(here[column], after[column], column - SIZE / 2));
    }
    sum
}
