//! A tile of outputs in registers, as in [`dense::tile`](crate::rows::dense), of products of words.

use super::weights::Tile;
use crate::lanes::words::{PackedKernel, PackedLanes};
use crate::rows::dense::Tap;
use crate::rows::dense::tile::{announce, vectors, write};
use crate::rows::row::{MARGIN, Row, RowMut};
use std::ops::Range;

/// A tile's outputs over a range of columns.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) taps: &'a [Tap<'a>],
    pub(super) tile: Tile<'a>,
    pub(super) add: Option<Row<'a>>,
    pub(super) columns: Range<usize>,
    pub(super) width: usize,
    pub(super) dst: RowMut<'a>,
}

/// Computes the part with the code for its height.
#[inline(always)]
pub(super) fn run<L: PackedLanes>(lanes: L, part: Part<'_>) {
    match part.tile.start.len() {
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

/// Covers the columns with tiles as wide as fit, then narrower ones for the rest.
#[inline(always)]
fn height<L: PackedLanes, const H: usize>(lanes: L, mut part: Part<'_>) {
    cover::<L, H, 4>(lanes, &mut part);
    cover::<L, H, 3>(lanes, &mut part);
    cover::<L, H, 2>(lanes, &mut part);
    cover::<L, H, 1>(lanes, &mut part);
}

/// Computes what tiles of `V` vectors cover whole, and leaves the rest of `part`.
#[inline(always)]
fn cover<L: PackedLanes, const H: usize, const V: usize>(lanes: L, part: &mut Part<'_>) {
    if const { V <= vectors(L::REGISTERS, H) } {
        let count = part.columns.len().div_ceil(L::WIDTH) / V;
        if count == 0 {
            return;
        }
        let split = part.columns.start + count * V * L::WIDTH;
        let columns = part.columns.start..split;
        part.columns.start = split.min(part.columns.end);
        let Part { taps, tile, add, width, ref mut dst, .. } = *part;
        lanes.enter_packed(Columns::<H, V>(Part { taps, tile, add, columns, width, dst: dst.reborrow() }));
    }
}

/// Tiles of `H` outputs by `V` vectors, side by side. Their columns are whole tiles.
struct Columns<'a, const H: usize, const V: usize>(Part<'a>);

/// The sums of a tile.
type Sums<L, const H: usize, const V: usize> = [[<L as PackedLanes>::Sums; V]; H];

impl<const H: usize, const V: usize> PackedKernel for Columns<'_, H, V> {
    type Output = ();

    #[inline(always)]
    fn run<L: PackedLanes>(self, lanes: L) {
        let Part { taps, tile, add, columns, width, mut dst } = self.0;
        let (weights, []) = tile.weights.as_chunks::<H>() else {
            unreachable!("weights are packed for {H} outputs")
        };
        for x in columns.step_by(V * L::WIDTH) {
            announce::<L, H, V>(lanes, tile.first, x, &dst);
            let mut sums: Sums<L, H, V> = begin(lanes, tile);
            let mut rest = weights;
            for (tap, &words) in taps.iter().zip(tile.words_per_tap) {
                let (weights, after) = rest.split_at(words);
                rest = after;
                let first =
                    (MARGIN + x).checked_add_signed(tap.dx).expect("taps are right of the margin's begin");
                sums = products::<L, H, V>(lanes, weights, &tap.row.data[first..], tap.row.stride, sums);
            }
            let outputs = finish::<L, H, V>(lanes, sums, tile, add, x);
            write(lanes, outputs, tile.first, x, width, &mut dst);
        }
    }
}

/// What the sums of a tile start with.
#[inline(always)]
fn begin<L: PackedLanes, const H: usize, const V: usize>(lanes: L, tile: Tile<'_>) -> Sums<L, H, V> {
    let start: &[u32; H] = tile.start.try_into().expect("a start for each output of the tile");
    let mut sums = [[lanes.begin(0); V]; H];
    for (sums, &start) in sums.iter_mut().zip(start) {
        *sums = [lanes.begin(start); V];
    }
    sums
}

/// Adds the products of one tap. Only loops that unroll whole touch the sums, as in the tiles of floats.
#[inline(always)]
fn products<L: PackedLanes, const H: usize, const V: usize>(
    lanes: L,
    weights: &[[u32; H]],
    inputs: &[f32],
    stride: usize,
    mut sums: Sums<L, H, V>,
) -> Sums<L, H, V> {
    let mut at = 0;
    for weights in weights {
        let input = &inputs[at..at + V * L::WIDTH];
        at += stride;
        let mut values = [lanes.splat_word(0); V];
        for (v, value) in values.iter_mut().enumerate() {
            *value = lanes.load_words(&input[v * L::WIDTH..]);
        }
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            let weight = lanes.splat_word(weight);
            for (sum, &value) in sums.iter_mut().zip(&values) {
                *sum = lanes.dot(*sum, value, weight);
            }
        }
    }
    sums
}

/// The outputs of a tile: its sums as floats, and what is added to them.
///
/// Without these nothing is added, not even zeros: floats that may come from here or there do not stay in registers, and
/// to store and load them again took 6 % of the time of a block of 60 channels.
#[inline(always)]
fn finish<L: PackedLanes, const H: usize, const V: usize>(
    lanes: L,
    sums: Sums<L, H, V>,
    tile: Tile<'_>,
    add: Option<Row<'_>>,
    x: usize,
) -> [[L::F32; V]; H] {
    let scale: &[f32; H] = tile.scale.try_into().expect("a scale for each output of the tile");
    let mut outputs = [[lanes.splat(0.0); V]; H];
    match add {
        Some(Row { data, stride }) => {
            let rows = lanes.load_rows::<H, V>(&data[MARGIN + tile.first * stride + x..], stride);
            for o in 0..H {
                for v in 0..V {
                    outputs[o][v] = lanes.finish_and_add(sums[o][v], scale[o], rows[o][v]);
                }
            }
        }
        None => {
            for o in 0..H {
                for v in 0..V {
                    outputs[o][v] = lanes.finish(sums[o][v], scale[o]);
                }
            }
        }
    }
    outputs
}
