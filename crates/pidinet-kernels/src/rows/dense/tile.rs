//! A tile of outputs in registers: `H` channels by `V` vectors of columns.

use super::pack::Tile;
use super::{Activation, Tap};
use crate::lanes::floats::{Kernel, Lanes};
use crate::rows::row::{MARGIN, Row, RowMut};
use std::ops::Range;

/// A tile's outputs over a range of columns.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) taps: &'a [Tap<'a>],
    pub(super) tile: Tile<'a>,
    pub(super) activation: Activation,
    pub(super) add: Option<Row<'a>>,
    pub(super) columns: Range<usize>,
    pub(super) width: usize,
    pub(super) dst: RowMut<'a>,
}

/// Computes the part with the code for its height.
#[inline(always)]
pub(super) fn run<L: Lanes>(lanes: L, part: Part<'_>) {
    match part.tile.bias.len() {
        1 => height::<L, 1>(lanes, part),
        2 => height::<L, 2>(lanes, part),
        3 => height::<L, 3>(lanes, part),
        4 => height::<L, 4>(lanes, part),
        5 => height::<L, 5>(lanes, part),
        6 => height::<L, 6>(lanes, part),
        7 => height::<L, 7>(lanes, part),
        8 => height::<L, 8>(lanes, part),
        9 => height::<L, 9>(lanes, part),
        10 => height::<L, 10>(lanes, part),
        11 => height::<L, 11>(lanes, part),
        12 => height::<L, 12>(lanes, part),
        other => unreachable!("no instruction set has tiles of {other} outputs"),
    }
}

/// Vectors a tile of `height` outputs is wide, so that with its inputs, a weight and one register to spare
/// it fits. Without that one the compiler moves sums about: with AVX2 a tile of 4 by 3, which needs all
/// sixteen registers, ran at 38 % of the multiply-add rate and one of 6 by 2 at 82 %.
pub(crate) const fn vectors(registers: usize, height: usize) -> usize {
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

/// Covers the columns with tiles as wide as fit, then narrower ones for the rest.
#[inline(always)]
fn height<L: Lanes, const H: usize>(lanes: L, mut part: Part<'_>) {
    cover::<L, H, 4>(lanes, &mut part);
    cover::<L, H, 3>(lanes, &mut part);
    cover::<L, H, 2>(lanes, &mut part);
    cover::<L, H, 1>(lanes, &mut part);
}

/// Computes what tiles of `V` vectors cover whole, and leaves the rest of `part`.
#[inline(always)]
fn cover<L: Lanes, const H: usize, const V: usize>(lanes: L, part: &mut Part<'_>) {
    if const { V <= vectors(L::REGISTERS, H) } {
        let count = part.columns.len().div_ceil(L::WIDTH) / V;
        if count == 0 {
            return;
        }
        let split = part.columns.start + count * V * L::WIDTH;
        let columns = part.columns.start..split;
        part.columns.start = split.min(part.columns.end);
        let Part { taps, tile, activation, add, width, ref mut dst, .. } = *part;
        let here = Part { taps, tile, activation, add, columns, width, dst: dst.reborrow() };
        match activation {
            Activation::None => lanes.enter(Columns::<H, V, false>(here)),
            Activation::Relu => lanes.enter(Columns::<H, V, true>(here)),
        }
    }
}

/// Tiles of `H` outputs by `V` vectors, side by side. Their columns are whole tiles.
struct Columns<'a, const H: usize, const V: usize, const RELU: bool>(Part<'a>);

/// The outputs of a tile.
pub(crate) type Sums<L, const H: usize, const V: usize> = [[<L as Lanes>::F32; V]; H];

impl<const H: usize, const V: usize, const RELU: bool> Kernel for Columns<'_, H, V, RELU> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Part { taps, tile, add, columns, width, mut dst, .. } = self.0;
        let (weights, []) = tile.weights.as_chunks::<H>() else {
            unreachable!("weights are packed for {H} outputs")
        };
        for x in columns.step_by(V * L::WIDTH) {
            announce::<L, H, V>(lanes, tile.first, x, &dst);
            let mut sums: Sums<L, H, V> = biases(lanes, tile);
            let mut rest = weights;
            for (tap, &channels) in taps.iter().zip(tile.inputs_per_tap) {
                let (weights, after) = rest.split_at(channels);
                rest = after;
                let first =
                    (MARGIN + x).checked_add_signed(tap.dx).expect("taps are right of the margin's begin");
                sums =
                    products::<L, H, V, RELU>(lanes, weights, &tap.row.data[first..], tap.row.stride, sums);
            }
            if let Some(row) = add {
                sums = added::<L, H, V>(lanes, row, tile, x, sums);
            }
            write(lanes, sums, tile.first, x, width, &mut dst);
        }
    }
}

/// Asks for the cache lines that a tile whose first output is `output` will be stored to: they come while it is computed.
#[inline(always)]
pub(crate) fn announce<L: Lanes, const H: usize, const V: usize>(
    lanes: L,
    output: usize,
    x: usize,
    dst: &RowMut<'_>,
) {
    lanes.prefetch_rows::<H, V>(&dst.data[MARGIN + output * dst.stride + x..], dst.stride);
}

/// What the sums of a tile start with.
#[inline(always)]
fn biases<L: Lanes, const H: usize, const V: usize>(lanes: L, tile: Tile<'_>) -> Sums<L, H, V> {
    let bias: &[f32; H] = tile.bias.try_into().expect("a bias for each output of the tile");
    let mut sums = [[lanes.splat(0.0); V]; H];
    for (sums, &bias) in sums.iter_mut().zip(bias) {
        *sums = [lanes.splat(bias); V];
    }
    sums
}

/// Adds the products of one tap: the loop the network spends its time in.
///
/// The sums come and go by value, and only loops that unroll whole touch them: an index the compiler does
/// not know would keep them in memory.
#[inline(always)]
fn products<L: Lanes, const H: usize, const V: usize, const RELU: bool>(
    lanes: L,
    weights: &[[f32; H]],
    inputs: &[f32],
    stride: usize,
    mut sums: Sums<L, H, V>,
) -> Sums<L, H, V> {
    for (weights, input) in weights.iter().zip(inputs.chunks(stride)) {
        let mut values = [lanes.splat(0.0); V];
        for (v, value) in values.iter_mut().enumerate() {
            *value = lanes.load(&input[v * L::WIDTH..]);
            if RELU {
                *value = lanes.max(*value, lanes.splat(0.0));
            }
        }
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            let weight = lanes.splat(weight);
            for (sum, &value) in sums.iter_mut().zip(&values) {
                *sum = lanes.mul_add(weight, value, *sum);
            }
        }
    }
    sums
}

/// Adds a row: after all products, as each of them would be rounded like the row's values, which are large
/// where many blocks have been added up.
#[inline(always)]
fn added<L: Lanes, const H: usize, const V: usize>(
    lanes: L,
    row: Row<'_>,
    tile: Tile<'_>,
    x: usize,
    mut sums: Sums<L, H, V>,
) -> Sums<L, H, V> {
    let rows = lanes.load_rows::<H, V>(&row.data[MARGIN + tile.first * row.stride + x..], row.stride);
    for (sums, row) in sums.iter_mut().zip(rows) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum = lanes.add(*sum, value);
        }
    }
    sums
}

/// Stores a tile whose first output is `output`, zeros from column `width` on.
#[inline(always)]
pub(crate) fn write<L: Lanes, const H: usize, const V: usize>(
    lanes: L,
    mut sums: Sums<L, H, V>,
    output: usize,
    x: usize,
    width: usize,
    dst: &mut RowMut<'_>,
) {
    if x + V * L::WIDTH > width {
        for sums in &mut sums {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = lanes.keep_first(*sum, width.saturating_sub(x + v * L::WIDTH));
            }
        }
    }
    lanes.store_rows(&mut dst.data[MARGIN + output * dst.stride + x..], dst.stride, sums);
}
