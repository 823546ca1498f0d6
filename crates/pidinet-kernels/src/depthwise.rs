//! Depthwise convolutions of stride 1: every channel sees itself.
//!
//! ```text
//! dst[c][x] = act(sum_taps w[c][tap] * row[tap.row][c][x + tap.dx])
//! ```

use crate::dense::{Activation, check_columns};
use crate::lanes::{Kernel, Lanes};
use crate::row::{MARGIN, Row, RowMut};
use std::cmp::Ordering;
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
/// rows as the weights have, or when `columns` is not as [`Dense`](crate::dense::Dense) describes.
#[derive(Debug)]
pub struct Depthwise<'a> {
    /// The rows of the window, top to bottom: those at `y + dilation * (i - size / 2)`.
    pub rows: &'a [Row<'a>],
    /// Packed weights.
    pub weights: &'a DepthwiseWeights,
    /// Applied to the output.
    pub activation: Activation,
    /// Columns to compute, as in [`Dense`](crate::dense::Dense).
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
    assert_eq!(job.rows.len(), job.weights.size, "rows of the window");
    if job.columns.is_empty() {
        return;
    }
    const ALL_3: u32 = 0b111_111_111;
    const ANGULAR: u32 = 0b111_101_111;
    const RADIAL: u32 = 0b10101_01110_11011_01110_10101;
    const ALL_5: u32 = 0b11111_11111_11111_11111_11111;
    match job.weights.shape {
        (3, 1, ALL_3) => lanes.enter(Window::<3, ALL_3> { job, shift }),
        (3, 1, ANGULAR) => lanes.enter(Window::<3, ANGULAR> { job, shift }),
        (5, 1, RADIAL) => lanes.enter(Window::<5, RADIAL> { job, shift }),
        (5, 1, ALL_5) => lanes.enter(Window::<5, ALL_5> { job, shift }),
        _ => lanes.enter(AnyTaps { job, shift }),
    }
}

/// A depthwise convolution of dilation 1 whose window is known to the compiler: `SIZE` rows and columns, of
/// which the positions `USED` have a tap.
struct Window<'a, const SIZE: usize, const USED: u32> {
    job: Depthwise<'a>,
    shift: usize,
}

impl<const SIZE: usize, const USED: u32> Kernel for Window<'_, SIZE, USED> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Depthwise { rows, weights, activation, columns, width, dst } = self.job;
        let floor = floor(lanes, activation);
        let start = columns.start;
        let len = columns.len().next_multiple_of(L::WIDTH);
        let rows: &[Row<'_>; SIZE] = rows.try_into().expect("as many rows as the window has");
        let taps = const { USED.count_ones() as usize };
        for (c, kernel) in weights.packed.chunks_exact(taps).enumerate() {
            // In registers, out of reach of the stores below.
            let mut splats = [lanes.splat(0.0); 25];
            for tap in 0..taps {
                splats[tap] = lanes.splat(kernel[tap]);
            }
            // Of every row, what a vector's neighbours are taken from: it and those on both sides.
            let mut inputs: [&[f32]; SIZE] = [&[]; SIZE];
            let mut before = [lanes.splat(0.0); SIZE];
            let mut here = [lanes.splat(0.0); SIZE];
            for (r, row) in rows.iter().enumerate() {
                inputs[r] = &row.data[MARGIN + c * row.stride + start - L::WIDTH..][..len + 2 * L::WIDTH];
                before[r] = lanes.load(inputs[r]);
                here[r] = lanes.load(&inputs[r][L::WIDTH..]);
            }
            let out = &mut dst.data[MARGIN + c * dst.stride + start - self.shift..][..len];
            for x in (0..len).step_by(L::WIDTH) {
                // A sum for each row of the window: one for all would have to wait for itself at every tap.
                let mut sums = [lanes.splat(0.0); SIZE];
                let mut tap = 0;
                for r in 0..SIZE {
                    let near = &inputs[r][x..][..3 * L::WIDTH];
                    let after = lanes.load(&near[2 * L::WIDTH..]);
                    for column in 0..SIZE {
                        if USED & 1 << (r * SIZE + column) != 0 {
                            let src = &near[L::WIDTH + column - SIZE / 2..];
                            let value = match column.cmp(&(SIZE / 2)) {
                                Ordering::Less => {
                                    lanes.shifted(before[r], here[r], L::WIDTH + column - SIZE / 2, src)
                                }
                                Ordering::Equal => here[r],
                                Ordering::Greater => lanes.shifted(here[r], after, column - SIZE / 2, src),
                            };
                            sums[r] = lanes.mul_add(splats[tap], value, sums[r]);
                            tap += 1;
                        }
                    }
                    before[r] = here[r];
                    here[r] = after;
                }
                let mut sum = sums[0];
                for &row in &sums[1..] {
                    sum = lanes.add(sum, row);
                }
                let whole = start + x + L::WIDTH <= width;
                let sum = lanes.max(sum, floor);
                let sum = if whole { sum } else { lanes.keep_first(sum, width.saturating_sub(start + x)) };
                lanes.store(&mut out[x..], sum);
            }
        }
    }
}

/// A depthwise convolution of any number of taps.
struct AnyTaps<'a> {
    job: Depthwise<'a>,
    shift: usize,
}

impl Kernel for AnyTaps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Depthwise { rows, weights, activation, columns, width, dst } = self.job;
        let floor = floor(lanes, activation);
        let taps = weights.taps.len();
        for c in 0..weights.channels {
            let kernel = &weights.packed[c * taps..][..taps];
            for x in columns.clone().step_by(L::WIDTH) {
                let mut sum = lanes.splat(0.0);
                for (place, &weight) in weights.taps.iter().zip(kernel) {
                    let input = lanes.load(from(rows[place.row], c, x, place.dx, L::WIDTH));
                    sum = lanes.mul_add(lanes.splat(weight), input, sum);
                }
                let sum = lanes.keep_first(lanes.max(sum, floor), width.saturating_sub(x));
                lanes.store(&mut dst.data[MARGIN + c * dst.stride + x - self.shift..], sum);
            }
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
