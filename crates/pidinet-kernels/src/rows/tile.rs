//! A tile of outputs in registers: `H` channels by `V` vectors of columns, of floats or of words.

use crate::lanes::floats::Lanes;
use crate::rows::matrix::{Matrix, Tile};
use crate::rows::row::{MARGIN, Row, RowMut};
use crate::rows::window::Tap;
use std::ops::Range;

/// The arithmetic of a dense convolution.
pub(super) trait Arithmetic: Copy {
    /// One weight.
    type Weight: Copy + Default;

    /// What belongs to an output besides its weights.
    type Output: Copy;
}

/// How an instruction set does it.
pub(super) trait Products<L: Lanes>: Arithmetic {
    /// A vector of values, or of a weight.
    type Value: Copy;

    /// A vector of sums.
    type Sum: Copy;

    /// Runs `columns` as a function of its own.
    fn enter<const H: usize, const V: usize>(lanes: L, columns: Columns<'_, Self, H, V>);

    /// The first [`Lanes::WIDTH`] values of `src`.
    fn load(lanes: L, src: &[f32]) -> Self::Value;

    /// `weight` in every lane.
    fn splat(lanes: L, weight: Self::Weight) -> Self::Value;

    /// The start of an output's sums.
    fn begin(lanes: L, output: Self::Output) -> Self::Sum;

    /// `sum` and the products of `weight` and `value`.
    fn mul_add(lanes: L, sum: Self::Sum, weight: Self::Value, value: Self::Value) -> Self::Sum;

    /// `sum` as floats.
    fn finish(lanes: L, sum: Self::Sum, output: Self::Output) -> L::F32;

    /// `sum` as floats, and `add`.
    fn finish_and_add(lanes: L, sum: Self::Sum, output: Self::Output, add: L::F32) -> L::F32;
}

/// A row of a dense convolution.
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// Where to read, in the order of the weights.
    pub(super) taps: &'a [Tap<'a>],
    /// The row that is added.
    pub(super) add: Option<Row<'a>>,
    /// Columns to compute.
    pub(super) columns: Range<usize>,
    /// Columns of the map.
    pub(super) width: usize,
    /// The row to write.
    pub(super) dst: RowMut<'a>,
}

impl Job<'_> {
    /// The same job for some of its columns.
    #[inline(always)]
    pub(super) fn part(&mut self, columns: Range<usize>) -> Job<'_> {
        Job { taps: self.taps, add: self.add, columns, width: self.width, dst: self.dst.reborrow() }
    }
}

/// Computes all output channels, tile after tile.
#[inline(always)]
pub(super) fn all<L: Lanes, P: Products<L>>(
    lanes: L,
    weights: &Matrix<P::Weight, P::Output>,
    mut job: Job<'_>,
) {
    assert_eq!(job.taps.len(), weights.depths().len(), "taps of the row and of the weights");
    for tile in weights.tiles() {
        let columns = job.columns.clone();
        one::<L, P>(lanes, tile, job.part(columns));
    }
}

/// Computes the outputs of one tile with the code specialised for its height.
#[inline(always)]
fn one<L: Lanes, P: Products<L>>(lanes: L, tile: Tile<'_, P::Weight, P::Output>, job: Job<'_>) {
    match tile.outputs.len() {
        1 => height::<L, P, 1>(lanes, tile, job),
        2 => height::<L, P, 2>(lanes, tile, job),
        3 => height::<L, P, 3>(lanes, tile, job),
        4 => height::<L, P, 4>(lanes, tile, job),
        5 => height::<L, P, 5>(lanes, tile, job),
        6 => height::<L, P, 6>(lanes, tile, job),
        7 => height::<L, P, 7>(lanes, tile, job),
        8 => height::<L, P, 8>(lanes, tile, job),
        9 => height::<L, P, 9>(lanes, tile, job),
        10 => height::<L, P, 10>(lanes, tile, job),
        11 => height::<L, P, 11>(lanes, tile, job),
        12 => height::<L, P, 12>(lanes, tile, job),
        other => unreachable!("no instruction set has tiles of {other} outputs"),
    }
}

/// How many vectors wide a tile of `height` outputs is, so that it fits into the registers with its
/// inputs, a weight and one spare register. Without the spare one, the compiler moves sums around: with
/// AVX2 a tile of 4 by 3, which needs all sixteen registers, ran at 38 % of the multiply-add rate, and one
/// of 6 by 2 at 82 %.
const fn vectors(registers: usize, height: usize) -> usize {
    const MOST: usize = 4;
    let fit = (registers - 2) / (height + 1);
    if fit > MOST {
        MOST
    } else if fit == 0 {
        1
    } else {
        fit
    }
}

/// Covers the columns with the widest tiles that fit, then narrower ones for the rest.
#[inline(always)]
fn height<L: Lanes, P: Products<L>, const H: usize>(
    lanes: L,
    tile: Tile<'_, P::Weight, P::Output>,
    mut job: Job<'_>,
) {
    cover::<L, P, H, 4>(lanes, tile, &mut job);
    cover::<L, P, H, 3>(lanes, tile, &mut job);
    cover::<L, P, H, 2>(lanes, tile, &mut job);
    cover::<L, P, H, 1>(lanes, tile, &mut job);
}

/// Computes what whole tiles of `V` vectors cover, and leaves the rest in `job`.
#[inline(always)]
fn cover<L: Lanes, P: Products<L>, const H: usize, const V: usize>(
    lanes: L,
    tile: Tile<'_, P::Weight, P::Output>,
    job: &mut Job<'_>,
) {
    if const { V <= vectors(L::REGISTERS, H) } {
        let count = job.columns.len().div_ceil(L::WIDTH) / V;
        if count == 0 {
            return;
        }
        let split = job.columns.start + count * V * L::WIDTH;
        let columns = job.columns.start..split;
        job.columns.start = split.min(job.columns.end);
        P::enter(lanes, Columns::<P, H, V> { tile, job: job.part(columns) });
    }
}

/// Tiles of `H` outputs by `V` vectors, side by side; the columns are a whole number of tiles.
pub(super) struct Columns<'a, P: Arithmetic, const H: usize, const V: usize> {
    tile: Tile<'a, P::Weight, P::Output>,
    job: Job<'a>,
}

/// The sums of a tile.
type Sums<L, P, const H: usize, const V: usize> = [[<P as Products<L>>::Sum; V]; H];

impl<P: Arithmetic, const H: usize, const V: usize> Columns<'_, P, H, V> {
    /// Computes them.
    #[inline(always)]
    pub(super) fn compute<L: Lanes>(self, lanes: L)
    where
        P: Products<L>,
    {
        let Self { tile, job: Job { taps, add, columns, width, dst } } = self;
        let (weights, []) = tile.weights.as_chunks::<H>() else {
            unreachable!("weights are packed for {H} outputs")
        };
        let outputs: &[P::Output; H] = tile.outputs.try_into().expect("each output of the tile");
        for x in columns.step_by(V * L::WIDTH) {
            let here = &mut dst.data[MARGIN + tile.first * dst.stride + x..];
            // The cache lines that it will be stored to are fetched while it is computed.
            lanes.prefetch_rows::<H, V>(here, dst.stride);
            let mut sums: Sums<L, P, H, V> = begin::<L, P, H, V>(lanes, outputs);
            let mut rest = weights;
            for (tap, &depth) in taps.iter().zip(tile.depths) {
                let (weights, after) = rest.split_at(depth);
                rest = after;
                let first =
                    (MARGIN + x).checked_add_signed(tap.dx).expect("taps are right of the margin's begin");
                sums = products::<L, P, H, V>(lanes, weights, &tap.row.data[first..], tap.row.stride, sums);
            }
            let add = add.map(|row| (&row.data[MARGIN + tile.first * row.stride + x..], row.stride));
            let floats = finish::<L, P, H, V>(lanes, sums, outputs, add);
            write(lanes, floats, here, dst.stride, width.saturating_sub(x));
        }
    }
}

/// The start of a tile's sums.
#[inline(always)]
fn begin<L: Lanes, P: Products<L>, const H: usize, const V: usize>(
    lanes: L,
    outputs: &[P::Output; H],
) -> Sums<L, P, H, V> {
    let mut sums = [[P::begin(lanes, outputs[0]); V]; H];
    for (sums, &output) in sums.iter_mut().zip(outputs) {
        *sums = [P::begin(lanes, output); V];
    }
    sums
}

/// Adds the products of one tap: the loop in which the network spends its time.
///
/// The sums are passed and returned by value, and only loops that unroll completely touch them: an index
/// that the compiler does not know would keep them in memory.
#[inline(always)]
fn products<L: Lanes, P: Products<L>, const H: usize, const V: usize>(
    lanes: L,
    weights: &[[P::Weight; H]],
    inputs: &[f32],
    stride: usize,
    mut sums: Sums<L, P, H, V>,
) -> Sums<L, P, H, V> {
    let mut at = 0;
    for weights in weights {
        let input = &inputs[at..at + V * L::WIDTH];
        at += stride;
        let mut values = [P::load(lanes, input); V];
        for (v, value) in values.iter_mut().enumerate() {
            *value = P::load(lanes, &input[v * L::WIDTH..]);
        }
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            let weight = P::splat(lanes, weight);
            for (sum, &value) in sums.iter_mut().zip(&values) {
                *sum = P::mul_add(lanes, *sum, weight, value);
            }
        }
    }
    sums
}

/// The outputs of a tile: its sums as floats, and the row `add`. The row is added after all products;
/// otherwise each product would be rounded to the precision of the row's values, which are large after many
/// blocks have been added up.
///
/// Without a row nothing is added, not even zeros: values that may come from either place do not stay in
/// registers, and storing and loading them again took 6 % of the time of a block of 60 channels in words.
#[inline(always)]
fn finish<L: Lanes, P: Products<L>, const H: usize, const V: usize>(
    lanes: L,
    sums: Sums<L, P, H, V>,
    outputs: &[P::Output; H],
    add: Option<(&[f32], usize)>,
) -> [[L::F32; V]; H] {
    let mut floats = [[lanes.splat(0.0); V]; H];
    match add {
        Some((data, stride)) => {
            let rows = lanes.load_rows::<H, V>(data, stride);
            for o in 0..H {
                for v in 0..V {
                    floats[o][v] = P::finish_and_add(lanes, sums[o][v], outputs[o], rows[o][v]);
                }
            }
        }
        None => {
            for o in 0..H {
                for v in 0..V {
                    floats[o][v] = P::finish(lanes, sums[o][v], outputs[o]);
                }
            }
        }
    }
    floats
}

/// Stores a tile, with zeros from its column `inside` on.
#[inline(always)]
fn write<L: Lanes, const H: usize, const V: usize>(
    lanes: L,
    mut floats: [[L::F32; V]; H],
    dst: &mut [f32],
    stride: usize,
    inside: usize,
) {
    if inside < V * L::WIDTH {
        for floats in &mut floats {
            for (v, float) in floats.iter_mut().enumerate() {
                *float = lanes.keep_first(*float, inside.saturating_sub(v * L::WIDTH));
            }
        }
    }
    lanes.store_rows(dst, stride, floats);
}
