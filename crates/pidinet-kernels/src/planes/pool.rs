//! The largest of four pixels, forward and backward.

use std::ops::Range;

use super::frame::Frame;
use crate::lanes::floats::{Kernel, Lanes, WIDEST};

/// `dst[c][y][x]` is the largest of `src[c]`'s pixels `2y` and `2y + 1` down and `2x` and `2x + 1` right.
///
/// # Panics
///
/// If a slice has fewer planes than `dst` or a plane is shorter than its frame.
#[derive(Debug)]
pub struct Largest<'a> {
    /// The planes that are read.
    pub src: &'a [f32],
    /// Their layout.
    pub src_frame: Frame,
    /// As many planes.
    pub dst: &'a mut [f32],
    /// The layout of those: half as many rows and columns, rounded down.
    pub frame: Frame,
}

impl Kernel for Largest<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { src, src_frame, dst, frame } = self;
        let planes = src.chunks_exact(src_frame.plane()).zip(dst.chunks_exact_mut(frame.plane()));
        // Of this plain loop the compiler makes vectors.
        for (src, dst) in planes {
            for y in 0..frame.height {
                let [upper, lower] = pair(src_frame, y).map(|row| src[row].as_chunks::<2>().0);
                let dst = &mut dst[frame.pixels(y)];
                for x in 0..dst.len() {
                    let ([a, b], [c, d]) = (upper[x], lower[x]);
                    dst[x] = greater(greater(a, b), greater(c, d));
                }
            }
        }
    }
}

/// The second if it is greater.
#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a < b { b } else { a }
}

/// The gradient of [`Largest`] with respect to its argument: each goes to the largest of its four pixels, the
/// first if there are several.
///
/// # Panics
///
/// As [`Largest`].
#[derive(Debug)]
pub struct LargestGradient<'a> {
    /// The planes of which the largest pixels were taken.
    pub src: &'a [f32],
    /// Their layout.
    pub src_frame: Frame,
    /// As many planes of gradients.
    pub gradient: &'a [f32],
    /// The layout of those.
    pub frame: Frame,
    /// Whether it is added to the destination's content.
    pub accumulate: bool,
    /// Planes in the layout of `src`.
    pub dst: &'a mut [f32],
}

impl Kernel for LargestGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, v: L) {
        let Self { src, src_frame, gradient, frame, accumulate, dst } = self;
        if !accumulate && (src_frame.height % 2 == 1 || src_frame.width % 2 == 1) {
            // Pixels that belong to no four.
            dst.fill(0.0);
        }
        let planes = src.chunks_exact(src_frame.plane()).zip(dst.chunks_exact_mut(src_frame.plane()));
        for ((src, dst), gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
            for y in 0..frame.height {
                let [upper, lower] = pair(src_frame, y);
                let (above, below) = dst.split_at_mut(lower.start);
                let rows = [&mut above[upper.clone()], &mut below[..lower.len()]];
                let values = [&src[upper], &src[lower]];
                if accumulate {
                    two_rows::<L, true>(v, values, &gradient[frame.pixels(y)], rows);
                } else {
                    two_rows::<L, false>(v, values, &gradient[frame.pixels(y)], rows);
                }
            }
        }
    }
}

/// Two rows of gradients from one of the largest pixels.
#[inline(always)]
fn two_rows<L: Lanes, const ADD: bool>(
    v: L,
    [upper, lower]: [&[f32]; 2],
    gradient: &[f32],
    [above, below]: [&mut [f32]; 2],
) {
    let whole = gradient.len() / L::WIDTH * L::WIDTH;
    for x in (0..whole).step_by(L::WIDTH) {
        let here = 2 * x..2 * (x + L::WIDTH);
        let values = [&upper[here.clone()], &lower[here.clone()]];
        fours::<L, ADD>(v, values, &gradient[x..], [&mut above[here.clone()], &mut below[here]]);
    }
    if whole < gradient.len() {
        let values = [upper, lower].map(|row| padded(&row[2 * whole..]));
        let mut rows = [&*above, &*below].map(|row| padded(&row[2 * whole..]));
        let [first, second] = &mut rows;
        let values = [values[0].as_slice(), values[1].as_slice()];
        fours::<L, ADD>(v, values, &padded(&gradient[whole..]), [first, second]);
        for (row, padded) in [above, below].into_iter().zip(&rows) {
            let row = &mut row[2 * whole..];
            row.copy_from_slice(&padded[..row.len()]);
        }
    }
}

/// A vector of fours.
#[inline(always)]
fn fours<L: Lanes, const ADD: bool>(
    v: L,
    [upper, lower]: [&[f32]; 2],
    gradient: &[f32],
    [above, below]: [&mut [f32]; 2],
) {
    let zero = v.splat(0.0);
    let (a, b) = v.deinterleave(v.load(upper), v.load(&upper[L::WIDTH..]));
    let (c, d) = v.deinterleave(v.load(lower), v.load(&lower[L::WIDTH..]));
    let gradient = v.load(gradient);
    let up = v.select_less(v.max(a, b), v.max(c, d), zero, gradient);
    let down = v.sub(gradient, up);
    for (dst, even, odd, sum) in [(above, a, b, up), (below, c, d, down)] {
        let left = v.select_less(even, odd, zero, sum);
        let (mut first, mut second) = v.interleave(left, v.sub(sum, left));
        if ADD {
            first = v.add(v.load(dst), first);
            second = v.add(v.load(&dst[L::WIDTH..]), second);
        }
        v.store(dst, first);
        v.store(&mut dst[L::WIDTH..], second);
    }
}

/// Less than two vectors, with zeros after them.
#[inline(always)]
fn padded(src: &[f32]) -> [f32; 2 * WIDEST] {
    let mut whole = [0.0; 2 * WIDEST];
    whole[..src.len()].copy_from_slice(src);
    whole
}

/// The pixels of two rows that become row `y`.
#[inline(always)]
fn pair(frame: Frame, y: usize) -> [Range<usize>; 2] {
    [2 * y, 2 * y + 1].map(|y| frame.row(y)..frame.row(y) + frame.width / 2 * 2)
}
