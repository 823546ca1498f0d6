//! Operations on one column at a time: ReLU, sum, gate, sigmoid.

use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::row::{MARGIN, Row, RowMut};
use crate::rows::window::check_columns;
use std::ops::Range;

/// Where an elementwise kernel works: `columns` of `channels` channels of a map `width` columns wide.
///
/// `columns` is as in [`Dense`](crate::rows::dense::Dense); the kernels panic when it is not, or when a row
/// is too short.
#[derive(Clone, Debug)]
pub struct Extent {
    /// Channels.
    pub channels: usize,
    /// Columns to compute.
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
}

/// `dst = max(src, 0)`, and 0 for NaN.
#[derive(Debug)]
pub struct Relu<'a> {
    /// The row to read.
    pub src: Row<'a>,
    /// Which part of it.
    pub extent: Extent,
    /// The row to write.
    pub dst: RowMut<'a>,
}

/// `dst = a + b`.
#[derive(Debug)]
pub struct Add<'a> {
    /// One row.
    pub a: Row<'a>,
    /// The other row.
    pub b: Row<'a>,
    /// Which part of them.
    pub extent: Extent,
    /// The row to write.
    pub dst: RowMut<'a>,
}

/// `dst[c][x] = src[c][x] * gate[x] + bias`.
#[derive(Debug)]
pub struct Gate<'a> {
    /// The row to read.
    pub src: Row<'a>,
    /// A row of one channel.
    pub gate: Row<'a>,
    /// Added to every product.
    pub bias: f32,
    /// Which part of `src`.
    pub extent: Extent,
    /// The row to write.
    pub dst: RowMut<'a>,
}

/// `dst = 1 / (1 + exp(-src))`; within 4 units in the last place.
#[derive(Debug)]
pub struct Sigmoid<'a> {
    /// The row to read.
    pub src: Row<'a>,
    /// Which part of it.
    pub extent: Extent,
    /// The row to write.
    pub dst: RowMut<'a>,
}

impl Kernel for Relu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { src, extent, dst } = self;
        check_columns(&extent.columns, extent.width);
        for c in 0..extent.channels {
            for x in extent.columns.clone().step_by(L::WIDTH) {
                let value = lanes.max(load(lanes, src, c, x), lanes.splat(0.0));
                store(lanes, &mut *dst.data, dst.stride, c, x, extent.width, value);
            }
        }
    }
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { a, b, extent, dst } = self;
        check_columns(&extent.columns, extent.width);
        for c in 0..extent.channels {
            for x in extent.columns.clone().step_by(L::WIDTH) {
                let value = lanes.add(load(lanes, a, c, x), load(lanes, b, c, x));
                store(lanes, &mut *dst.data, dst.stride, c, x, extent.width, value);
            }
        }
    }
}

impl Kernel for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { src, gate, bias, extent, dst } = self;
        check_columns(&extent.columns, extent.width);
        let bias = lanes.splat(bias);
        for c in 0..extent.channels {
            for x in extent.columns.clone().step_by(L::WIDTH) {
                let value = lanes.mul_add(load(lanes, src, c, x), load(lanes, gate, 0, x), bias);
                store(lanes, &mut *dst.data, dst.stride, c, x, extent.width, value);
            }
        }
    }
}

impl Kernel for Sigmoid<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { src, extent, dst } = self;
        check_columns(&extent.columns, extent.width);
        for c in 0..extent.channels {
            for x in extent.columns.clone().step_by(L::WIDTH) {
                let value = sigmoid(lanes, load(lanes, src, c, x));
                store(lanes, &mut *dst.data, dst.stride, c, x, extent.width, value);
            }
        }
    }
}

#[inline(always)]
fn load<L: Lanes>(lanes: L, row: Row<'_>, c: usize, x: usize) -> L::F32 {
    lanes.load(&row.data[MARGIN + c * row.stride + x..])
}

#[inline(always)]
fn store<L: Lanes>(
    lanes: L,
    dst: &mut [f32],
    stride: usize,
    c: usize,
    x: usize,
    width: usize,
    value: L::F32,
) {
    lanes.store(&mut dst[MARGIN + c * stride + x..], lanes.keep_first(value, width - x));
}

/// The logistic function, within 4 units in the last place.
///
/// It is 1 at infinity, 0 below -87 (where it would be less than the smallest normal number), and NaN
/// for NaN. With `t = exp(-|x|)` it is `1 / (1 + t)` right of zero and `t / (1 + t)` left of it, so small
/// values keep their relative precision.
#[inline(always)]
pub(crate) fn sigmoid<L: Lanes>(lanes: L, x: L::F32) -> L::F32 {
    let zero = lanes.splat(0.0);
    let one = lanes.splat(1.0);
    let lowest = lanes.splat(LOWEST);
    let t = exp_of_magnitude(lanes, x);
    let above = lanes.select_less(x, zero, t, one);
    let value = lanes.div(above, lanes.add(one, t));
    lanes.select_less(x, lowest, zero, value)
}

/// `exp(-|x|)`, but no less than the smallest that is normal.
#[inline(always)]
pub(crate) fn exp_of_magnitude<L: Lanes>(lanes: L, x: L::F32) -> L::F32 {
    let (zero, lowest) = (lanes.splat(0.0), lanes.splat(LOWEST));
    let negative = lanes.select_less(x, zero, x, lanes.sub(zero, x));
    exp(lanes, lanes.select_less(negative, lowest, lowest, negative))
}

/// Below it, the exponential is less than the smallest normal number.
const LOWEST: f32 = -87.0;

/// `exp(x)` for `x` in `[-87, 0]`.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, so `exp(x) = 2^n exp(r)`; `exp(r)` by its Taylor polynomial of
/// degree 7, whose next term is below `(ln 2 / 2)^8 / 8! < 5.2e-9`.
#[inline(always)]
fn exp<L: Lanes>(lanes: L, x: L::F32) -> L::F32 {
    /// Adding and subtracting 1.5 * 2^23 rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    /// The upper bits of ln 2: products with whole numbers up to 2^8 are exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const TAYLOR: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let round = lanes.splat(ROUND);
    let n = lanes.sub(lanes.mul_add(x, lanes.splat(std::f32::consts::LOG2_E), round), round);
    let r = lanes.mul_add(n, lanes.splat(-LN_2_HIGH), x);
    let r = lanes.mul_add(n, lanes.splat(-LN_2_LOW), r);
    let mut sum = lanes.splat(TAYLOR[0]);
    for coefficient in &TAYLOR[1..] {
        sum = lanes.mul_add(sum, r, lanes.splat(*coefficient));
    }
    lanes.mul(sum, lanes.exp2_whole(n))
}
