//! Depthwise convolutions of stride 1: every channel sees itself.
//!
//! ```text
//! dst[c][x] = act(sum_taps w[c][tap] * row[tap.row][c][x + tap.dx])
//! ```

use crate::lanes::floats::{Kernel, Lanes};
use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::dense::{Activation, check_columns};
use crate::rows::row::{MARGIN, Row, RowMut};
use std::ops::Range;

/// Folded depthwise weights without the taps that are zero in every channel: a radial kernel keeps 16 of
/// 25, an angular one 8 of 9.
#[derive(Clone, Debug)]
pub struct DepthwiseWeights {
    /// `[c][tap]`
    packed: Vec<f32>,
    taps: Vec<TapPlace>,
    channels: usize,
    size: usize,
    /// Size, dilation, and a bit for every position that has a tap.
    shape: (usize, usize, u32),
}

/// Where a tap reads: which of the rows, and how far right of the output column.
#[derive(Clone, Copy, Debug)]
struct TapPlace {
    row: usize,
    dx: isize,
}

impl DepthwiseWeights {
    /// Packs weights `[channels, size, size]` of a convolution with the given dilation.
    ///
    /// # Panics
    ///
    /// When `size` is even, `weights` are not `channels * size * size`, or the padding is wider than
    /// [`MARGIN`].
    pub fn pack(weights: &[f32], channels: usize, size: usize, dilation: usize) -> DepthwiseWeights {
        assert!(
            size % 2 == 1 && size / 2 * dilation <= MARGIN,
            "a {size}x{size} window of dilation {dilation}"
        );
        assert_eq!(weights.len(), channels * size * size, "weights of {channels} channels of {size}x{size}");
        let positions = size * size;
        let used: Vec<usize> = (0..positions)
            .filter(|&tap| weights.iter().skip(tap).step_by(positions).any(|&weight| weight != 0.0))
            .collect();
        let packed = weights.chunks_exact(positions).flat_map(|kernel| used.iter().map(|&tap| kernel[tap]));
        let reach = (size / 2 * dilation) as isize;
        let place = |tap: usize| TapPlace { row: tap / size, dx: (tap % size * dilation) as isize - reach };
        let shape = (size, dilation, used.iter().map(|tap| 1 << tap).sum());
        DepthwiseWeights {
            packed: packed.collect(),
            taps: used.iter().map(|&tap| place(tap)).collect(),
            channels,
            size,
            shape,
        }
    }

    /// Channels in and out.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows of the window: 3 or 5.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Multiply-adds for one output: the taps that are left.
    pub fn taps(&self) -> usize {
        self.taps.len()
    }
}

/// A row of a depthwise convolution.
///
/// # Panics
///
/// [`Kernel::run`] panics when a row is too short for the columns asked for, when there are not as many
/// rows as the weights have, or when `columns` is not as [`Dense`](crate::rows::dense::Dense) describes.
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

const ALL_3: u32 = 0b111_111_111;
const ANGULAR: u32 = 0b111_101_111;
const RADIAL: u32 = 0b10101_01110_11011_01110_10101;
const ALL_5: u32 = 0b11111_11111_11111_11111_11111;

/// A [`Depthwise`] without where its output goes.
pub(crate) struct Job<'a> {
    pub(crate) rows: &'a [Row<'a>],
    pub(crate) weights: &'a DepthwiseWeights,
    pub(crate) activation: Activation,
    pub(crate) columns: Range<usize>,
}

impl Job<'_> {
    /// Whether there is nothing to compute.
    #[inline(always)]
    fn is_empty(&self) -> bool {
        assert_eq!(self.rows.len(), self.weights.size, "rows of the window");
        self.columns.is_empty()
    }
}

/// Where the output goes, channel after channel.
trait Sink<L: Lanes> {
    /// Takes channel `c`, of `len` columns.
    fn take(&mut self, lanes: L, c: usize, len: usize, channel: impl Channel<L>);
}

/// A channel of the output, yet to be computed.
trait Channel<L: Lanes> {
    /// Computes all columns from left to right.
    fn compute(self, lanes: L, out: impl Columns<L>);
}

/// Where the columns of a channel go.
trait Columns<L: Lanes> {
    /// Takes those of the next vector.
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
struct Floats<'a> {
    first: usize,
    /// Columns that are inside the map.
    inside: usize,
    dst: RowMut<'a>,
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
    /// The last channel: with it, a word is complete.
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
            // Channels that are missing are zero.
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

/// A depthwise convolution of dilation 1 whose window is known to the compiler: `SIZE` rows and columns, of
/// which the positions `USED` have a tap.
///
/// Sums are shifted, not inputs: each column of the window is added up where its inputs are, and then moved to where
/// it belongs. That is two shuffles for a vector of a 3x3 window, where moving the inputs takes six.
struct Window<'a, S, const SIZE: usize, const USED: u32> {
    job: Job<'a>,
    sink: S,
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
        let Self { job: Job { rows, weights, activation, columns }, mut sink } = self;
        let rows: &[Row<'_>; SIZE] = rows.try_into().expect("as many rows as the window has");
        let floor = floor(lanes, activation);
        let vectors = columns.len().div_ceil(L::WIDTH);
        let taps = const { USED.count_ones() as usize };
        for (c, kernel) in weights.packed.chunks_exact(taps).enumerate() {
            // Of every row the vectors, and one on each side.
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

/// What each column of a window contributes, at the places of the inputs: those of vector `i`.
#[expect(clippy::needless_range_loop, reason = "indices that the compiler knows keep the sums in registers")]
#[inline(always)]
fn contributions<L: Lanes, const SIZE: usize, const USED: u32>(
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
fn with_left<L: Lanes, const SIZE: usize>(lanes: L, before: [L::F32; SIZE], here: [L::F32; SIZE]) -> L::F32 {
    let mut sum = here[SIZE / 2];
    for column in 0..SIZE / 2 {
        sum = lanes.add(sum, lanes.shifted(before[column], here[column], L::WIDTH + column - SIZE / 2));
    }
    sum
}

/// `sum` and the columns right of the middle.
#[inline(always)]
fn with_right<L: Lanes, const SIZE: usize>(
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

/// A depthwise convolution of any number of taps.
struct AnyTaps<'a, S> {
    job: Job<'a>,
    sink: S,
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
        let Self { job: Job { rows, weights, activation, columns }, mut sink } = self;
        let floor = floor(lanes, activation);
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

/// What an activation lifts its argument to.
#[inline(always)]
fn floor<L: Lanes>(lanes: L, activation: Activation) -> L::F32 {
    match activation {
        Activation::None => lanes.splat(f32::NEG_INFINITY),
        Activation::Relu => lanes.splat(0.0),
    }
}
