//! Dense convolutions of stride 1: every output channel sees every input channel.
//!
//! ```text
//! dst[o][x] = bias[o] + sum_taps sum_i w[o][tap][i] * act(tap.row[i][x + tap.dx]) + add[o][x]
//! ```
//!
//! One kernel for all of them: a 1x1 convolution has one tap, a 3x3 nine, the four dilated 3x3 of a CDCM
//! thirty-six, and two maps are concatenated by passing both as taps. It is a matrix product whose second
//! factor is never gathered (there is no im2col): a tile of a few outputs by a few vectors of columns
//! stays in registers while all taps and channels are added to it. The order is the same for every tile,
//! so the result does not depend on the tiling.

pub use crate::rows::window::{Activation, Tap};

use crate::caches::second_level;
use crate::isa::Isa;
use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::matrix::{Matrix, biases};
use crate::rows::row::{Row, RowMut};
use crate::rows::tile::{self, Arithmetic, Job, Products};
use crate::rows::window::check_columns;
use std::ops::Range;

/// A row of a dense convolution.
///
/// # Panics
///
/// [`Kernel::run`] panics when a row is too short for the columns, when the number of taps is not that
/// of the weights, or when `columns` is not as described.
#[derive(Debug)]
pub struct Dense<'a> {
    /// Where to read, in the order of the weights. Rows wider than the map by at least `|dx|` zeros
    /// ([`row::stride`](crate::rows::row::stride)) provide the zero padding.
    pub taps: &'a [Tap<'a>],
    /// Packed weights and bias.
    pub weights: &'a DenseWeights,
    /// Applied to the inputs as they are read.
    pub activation: Activation,
    /// A row with as many channels as the output, added to it.
    pub add: Option<Row<'a>>,
    /// Columns to compute: from a multiple of [`MARGIN`](crate::rows::row::MARGIN) to another, or to `width`.
    /// They are written to `dst` as whole vectors, with zeros from column `width` on.
    pub columns: Range<usize>,
    /// Columns of the map.
    pub width: usize,
    /// The row to write.
    pub dst: RowMut<'a>,
}

impl Kernel for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { taps, weights, activation, add, columns, width, mut dst } = self;
        check_columns(&columns, width);
        let step = chunk_columns(weights.inputs());
        for start in columns.clone().step_by(step) {
            let columns = start..columns.end.min(start + step);
            chunk(lanes, Dense { taps, weights, activation, add, columns, width, dst: dst.reborrow() });
        }
    }
}

/// Columns that a kernel works on at a time: inputs for an eighth of the second-level cache, which then holds
/// them together with the rows they were made from, those that are written, and most of the weights. Of 1 MiB
/// that is a whole row of maps of 481 columns. With only as many as the first-level cache holds, a quarter,
/// blocks were 3 to 6 % slower: depthwise convolutions read their rows in shorter pieces, and more tiles begin
/// and end.
pub fn chunk_columns(channels: usize) -> usize {
    columns_within(second_level() / 8, channels)
}

/// Columns that take so many bytes, at least 96 and at most 1024: a multiple of 32, which is as wide as most
/// tiles.
pub(crate) fn columns_within(bytes: usize, channels: usize) -> usize {
    (bytes / size_of::<f32>() / channels.max(1)).clamp(96, 1024) / 32 * 32
}

/// Computes columns whose inputs are in the caches for every tile except the first.
#[inline(always)]
pub(crate) fn chunk<L: Lanes>(lanes: L, job: Dense<'_>) {
    let Dense { taps, weights, activation, add, columns, width, dst } = job;
    let job = Job { taps, add, columns, width, dst };
    match activation {
        Activation::None => tile::all::<L, Floats<false>>(lanes, &weights.0, job),
        Activation::Relu => tile::all::<L, Floats<true>>(lanes, &weights.0, job),
    }
}

/// Weights and biases, packed.
#[derive(Clone, Debug)]
pub struct DenseWeights(Matrix<f32, f32>);

impl DenseWeights {
    /// Packs weights `[outputs, tap, input]` for `isa`. Taps may have different numbers of inputs;
    /// without `bias` the bias is zero.
    ///
    /// Weights packed for one instruction set give the right result with any other, only more slowly.
    ///
    /// # Panics
    ///
    /// When the lengths of `matrix`, `inputs_per_tap` and `bias` do not fit together.
    pub fn pack(isa: Isa, matrix: &[f32], inputs_per_tap: &[usize], bias: Option<&[f32]>) -> DenseWeights {
        let inputs: usize = inputs_per_tap.iter().sum();
        let bias = biases(matrix, inputs, bias);
        Self(Matrix::pack(isa, bias, inputs_per_tap.to_vec(), |output, k| matrix[output * inputs + k]))
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.0.outputs()
    }

    /// Input channels of all taps together.
    pub fn inputs(&self) -> usize {
        self.0.depth()
    }

    /// Input channels of each tap.
    pub fn inputs_per_tap(&self) -> &[usize] {
        self.0.depths()
    }
}

/// Products of floats, whose values are rectified if `RELU` is true.
#[derive(Clone, Copy)]
struct Floats<const RELU: bool>;

impl<const RELU: bool> Arithmetic for Floats<RELU> {
    type Weight = f32;
    /// The bias.
    type Output = f32;
}

impl<L: Lanes, const RELU: bool> Products<L> for Floats<RELU> {
    type Value = L::F32;
    type Sum = L::F32;

    #[inline(always)]
    fn enter<const H: usize, const V: usize>(lanes: L, columns: tile::Columns<'_, Self, H, V>) {
        lanes.enter(columns);
    }

    #[inline(always)]
    fn load(lanes: L, src: &[f32]) -> L::F32 {
        let value = lanes.load(src);
        if RELU { lanes.max(value, lanes.splat(0.0)) } else { value }
    }

    #[inline(always)]
    fn splat(lanes: L, weight: f32) -> L::F32 {
        lanes.splat(weight)
    }

    #[inline(always)]
    fn begin(lanes: L, bias: f32) -> L::F32 {
        lanes.splat(bias)
    }

    #[inline(always)]
    fn mul_add(lanes: L, sum: L::F32, weight: L::F32, value: L::F32) -> L::F32 {
        lanes.mul_add(weight, value, sum)
    }

    #[inline(always)]
    fn finish(_: L, sum: L::F32, _: f32) -> L::F32 {
        sum
    }

    #[inline(always)]
    fn finish_and_add(lanes: L, sum: L::F32, _: f32, add: L::F32) -> L::F32 {
        lanes.add(sum, add)
    }
}

impl<const RELU: bool, const H: usize, const V: usize> Kernel for tile::Columns<'_, Floats<RELU>, H, V> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        self.compute(lanes);
    }
}
