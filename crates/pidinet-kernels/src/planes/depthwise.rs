//! Depthwise convolutions of whole planes with windows known at compile time, forward and backward.

use std::ops::Range;

use super::frame::Frame;
use crate::lanes::floats::{Kernel, Lanes, WIDEST};
use crate::rows::depthwise::{ALL_3, ALL_5, ANGULAR, RADIAL, contributions, with_left, with_right};

/// A window around a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    size: usize,
    used: u32,
}

impl Window {
    /// The window that reads these pixels, given as rows down and columns right, row by row, if there is code
    /// for it: 3x3, 5x5 and those of angular and radial differences. All of them are symmetric.
    pub fn of(offsets: &[(isize, isize)]) -> Option<Self> {
        let known = [(3, ALL_3), (3, ANGULAR), (5, RADIAL), (5, ALL_5)];
        known
            .into_iter()
            .map(|(size, used)| Self { size, used })
            .find(|window| window.offsets().eq(offsets.iter().copied()))
    }

    /// The pixels it reads, row by row.
    fn offsets(self) -> impl Iterator<Item = (isize, isize)> {
        let (size, half) = (self.size as isize, self.size as isize / 2);
        (0..size * size)
            .filter(move |place| self.used & 1 << place != 0)
            .map(move |place| (place / size - half, place % size - half))
    }

    /// Pixels that it reads for each output.
    pub fn taps(self) -> usize {
        self.used.count_ones() as usize
    }
}

/// `dst[c][p] (+)= Σ_tap weights[c][tap] · src[c][p + tap]`. The gradient with respect to the input is the
/// same with the taps in reverse.
///
/// Source and destination have equal rows, but may be parts of maps of different height: a slice that begins
/// some rows down is such a part.
///
/// # Panics
///
/// If a slice is shorter than the frame and the weights say, or the frame narrower than the window.
#[derive(Debug)]
pub struct Depthwise<'a> {
    /// The planes that are read.
    pub src: &'a [f32],
    /// Elements from one of them to the next.
    pub src_plane: usize,
    /// Where each pixel reads.
    pub window: Window,
    /// `[c][tap]`.
    pub weights: &'a [f32],
    /// Whether the sum is added to the destination's content.
    pub accumulate: bool,
    /// As many planes as there are channels.
    pub dst: &'a mut [f32],
    /// Elements from one of them to the next.
    pub dst_plane: usize,
    /// How a plane lies.
    pub frame: Frame,
    /// The rows of `dst` that are computed.
    pub rows: Range<usize>,
}

impl Kernel for Depthwise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, v: L) {
        match self.window.used {
            ALL_3 => self.channels::<L, 3, ALL_3>(v),
            ANGULAR => self.channels::<L, 3, ANGULAR>(v),
            RADIAL => self.channels::<L, 5, RADIAL>(v),
            _ => self.channels::<L, 5, ALL_5>(v),
        }
    }
}

impl Depthwise<'_> {
    #[inline(always)]
    fn channels<L: Lanes, const SIZE: usize, const USED: u32>(self, v: L) {
        let Self { src, src_plane, weights, accumulate, dst, dst_plane, frame, rows, .. } = self;
        let kernels = weights.chunks_exact(const { USED.count_ones() as usize });
        for (channel, kernel) in kernels.enumerate() {
            let (src, dst) = (&src[channel * src_plane..], &mut dst[channel * dst_plane..]);
            let rows = rows.clone();
            v.enter(Plane::<SIZE, USED> { src, src_plane, kernel, accumulate, dst, frame, rows });
        }
    }
}

/// A channel of a [`Depthwise`].
struct Plane<'a, const SIZE: usize, const USED: u32> {
    src: &'a [f32],
    src_plane: usize,
    kernel: &'a [f32],
    accumulate: bool,
    dst: &'a mut [f32],
    frame: Frame,
    rows: Range<usize>,
}

impl<const SIZE: usize, const USED: u32> Kernel for Plane<'_, SIZE, USED> {
    type Output = ();

    /// Sums are shifted, not inputs: each column of the window is summed at the place of its inputs, and then
    /// moved to where it belongs.
    #[inline(always)]
    fn run<L: Lanes>(self, v: L) {
        let Self { src, src_plane, kernel, accumulate, dst, frame, rows } = self;
        let span = frame.row(rows.start)..frame.row(rows.end);
        let vectors = span.len().div_ceil(L::WIDTH);
        let inputs = window_rows::<L, SIZE>(v, src, frame, span.start, vectors + 1);
        let mut splats = [v.splat(0.0); 25];
        for tap in 0..const { USED.count_ones() as usize } {
            splats[tap] = v.splat(kernel[tap]);
        }
        // Left of the first pixel of a row there are only zeros.
        let mut here = contributions::<L, SIZE, USED>(v, &splats, &inputs, 0);
        let mut sum = with_left(v, [v.splat(0.0); SIZE], here);
        for (i, dst) in dst[span].chunks_mut(L::WIDTH).enumerate() {
            // The next channel's: a few rows are too short for a CPU to see a pattern.
            v.prefetch(inputs[SIZE - 1][i].as_ref(), src_plane);
            let after = contributions::<L, SIZE, USED>(v, &splats, &inputs, i + 1);
            let mut value = with_right(v, sum, here, after);
            if dst.len() == L::WIDTH {
                if accumulate {
                    value = v.add(v.load(dst), value);
                }
                v.store(dst, value);
            } else {
                if accumulate {
                    value = v.add(v.load_first(dst), value);
                }
                v.store_first(dst, value);
            }
            sum = with_left(v, here, after);
            here = after;
        }
        frame.clear(dst, rows);
    }
}

/// For each row of a window, the vectors that it reads from position `first` on.
#[inline(always)]
fn window_rows<L: Lanes, const SIZE: usize>(
    v: L,
    src: &[f32],
    frame: Frame,
    first: usize,
    vectors: usize,
) -> [&[L::Floats]; SIZE] {
    assert!(frame.border >= SIZE / 2, "the window reads past the frame");
    let mut rows: [&[L::Floats]; SIZE] = [&[]; SIZE];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &v.vectors(&src[first + r * frame.stride() - SIZE / 2 * frame.stride()..])[..vectors];
    }
    rows
}

/// `sums[c][tap] += Σ_p gradient[c][p] · src[c][p + tap]`: the gradient with respect to the weights of a
/// [`Depthwise`].
///
/// # Panics
///
/// As [`Depthwise`].
#[derive(Debug)]
pub struct DepthwiseGradient<'a> {
    /// The planes that were convolved.
    pub src: &'a [f32],
    /// Elements from one of them to the next.
    pub src_plane: usize,
    /// Where each pixel reads.
    pub window: Window,
    /// As many planes.
    pub gradient: &'a [f32],
    /// Elements from one of them to the next.
    pub gradient_plane: usize,
    /// `[c][tap]`.
    pub sums: &'a mut [f32],
    /// How a plane lies.
    pub frame: Frame,
    /// The rows that are summed. All rows in strips, from first to last, are one sum as all at once.
    pub rows: Range<usize>,
}

impl Kernel for DepthwiseGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, v: L) {
        match self.window.used {
            ALL_3 => self.channels::<L, 3, ALL_3>(v),
            ANGULAR => self.channels::<L, 3, ANGULAR>(v),
            RADIAL => self.channels::<L, 5, RADIAL>(v),
            _ => self.channels::<L, 5, ALL_5>(v),
        }
    }
}

/// Positions that are summed at a time, which limits rounding errors.
const CHUNK: usize = 8192;

impl DepthwiseGradient<'_> {
    #[inline(always)]
    fn channels<L: Lanes, const SIZE: usize, const USED: u32>(self, v: L) {
        let Self { src, src_plane, gradient, gradient_plane, sums, frame, rows, .. } = self;
        let span = frame.row(rows.start)..frame.row(rows.end);
        let taps = const { USED.count_ones() as usize };
        for (channel, sums) in sums.chunks_exact_mut(taps).enumerate() {
            let (src, gradient) = (&src[channel * src_plane..], &gradient[channel * gradient_plane..]);
            for from in span.clone().step_by(CHUNK) {
                let part = from..(from + CHUNK).min(span.end);
                if SIZE == 3 || L::REGISTERS >= 32 && USED == RADIAL {
                    v.enter(Sums::<SIZE, USED, 0, SIZE> { src, src_plane, gradient, sums, frame, part });
                } else {
                    let upper = part.clone();
                    v.enter(Sums::<SIZE, USED, 0, 2> { src, src_plane, gradient, sums, frame, part: upper });
                    v.enter(Sums::<SIZE, USED, 2, SIZE> { src, src_plane, gradient, sums, frame, part });
                }
            }
        }
    }
}

/// The sums of the taps in rows `FROM..TO` of a window, over some positions of the sources of a channel.
struct Sums<'a, const SIZE: usize, const USED: u32, const FROM: usize, const TO: usize> {
    src: &'a [f32],
    src_plane: usize,
    gradient: &'a [f32],
    sums: &'a mut [f32],
    frame: Frame,
    part: Range<usize>,
}

impl<const SIZE: usize, const USED: u32, const FROM: usize, const TO: usize> Kernel
    for Sums<'_, SIZE, USED, FROM, TO>
{
    type Output = ();

    /// Gradients are shifted, not inputs: a window has as many shifts as columns.
    #[inline(always)]
    #[expect(
        clippy::needless_range_loop,
        reason = "indices that the compiler knows keep the sums in registers"
    )]
    fn run<L: Lanes>(self, v: L) {
        let Self { src, src_plane, gradient, sums, frame, part } = self;
        let vectors = part.len().div_ceil(L::WIDTH);
        let inputs = window_rows::<L, SIZE>(v, src, frame, part.start, vectors);
        let gradients = v.vectors(&gradient[part.start..]);
        let mut totals = [v.splat(0.0); 25];
        // Only to the left of all pixels is there less than a whole vector.
        let mut before = v.splat(0.0);
        if part.start >= L::WIDTH {
            before = v.load(&gradient[part.start - L::WIDTH..]);
        }
        let mut here = v.load(gradients[0].as_ref());
        for i in 0..vectors {
            let after = v.load(gradients[i + 1].as_ref());
            let columns = shifts::<L, SIZE>(v, before, here, after);
            (before, here) = (here, after);
            // Beyond the part, the last vector has pixels that count elsewhere.
            let last = part.len() - i * L::WIDTH;
            let mut tap = const { (USED & ((1 << (FROM * SIZE)) - 1)).count_ones() as usize };
            if FROM == 0 {
                // The next channel's, as in the convolution.
                v.prefetch(inputs[SIZE - 1][i].as_ref(), src_plane);
            }
            for r in FROM..TO {
                let mut value = v.load(inputs[r][i].as_ref());
                if last < L::WIDTH {
                    value = v.keep_first(value, last);
                }
                for column in 0..SIZE {
                    if USED & 1 << (r * SIZE + column) != 0 {
                        totals[tap] = v.mul_add(value, columns[column], totals[tap]);
                        tap += 1;
                    }
                }
            }
        }
        for (tap, sum) in sums.iter_mut().enumerate() {
            let mut lanes = [0.0; WIDEST];
            v.store(&mut lanes, totals[tap]);
            *sum += lanes.iter().sum::<f32>();
        }
    }
}

/// For each column of a window, the gradients of the pixels that read `here` through it.
#[inline(always)]
fn shifts<L: Lanes, const SIZE: usize>(v: L, before: L::F32, here: L::F32, after: L::F32) -> [L::F32; SIZE] {
    let mut shifts = [here; SIZE];
    for column in 0..SIZE / 2 {
        let distance = SIZE / 2 - column;
        shifts[column] = v.shifted(here, after, distance);
        shifts[SIZE - 1 - column] = v.shifted(before, here, L::WIDTH - distance);
    }
    shifts
}
