//! Weights of a dense convolution in the order in which its tiles read them.

use crate::buffer::Aligned;
use crate::isa::Isa;
use crate::lanes::floats::{Kernel, Lanes};
use std::ops::Range;

/// Weights `[tile][tap][k][output of the tile]`, where `k` counts the channels of a tap, or its words, and
/// whatever else belongs to each output.
///
/// The outputs are cut into as few tiles as the instruction set's tallest tile allows, and the tiles have
/// equal height, give or take one: 60 outputs are five tiles of twelve, 80 are four of twelve and three of
/// eleven, 5 are one of five. No tile is padded.
#[derive(Clone, Debug)]
pub(super) struct Matrix<W: Copy + Default, O> {
    packed: Aligned<W>,
    outputs: Vec<O>,
    /// Number of `k` in each tap.
    depths: Vec<usize>,
    tiles: Vec<Range<usize>>,
}

/// The weights of one tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile<'a, W, O> {
    /// The first of its outputs.
    pub(super) first: usize,
    /// `[tap][k][height]`.
    pub(super) weights: &'a [W],
    /// `[height]`.
    pub(super) outputs: &'a [O],
    /// Number of `k` in each tap.
    pub(super) depths: &'a [usize],
}

impl<W: Copy + Default, O> Matrix<W, O> {
    /// Packs `weight(output, k)` for `isa`, with `k` counted through all taps.
    pub(super) fn pack(
        isa: Isa,
        outputs: Vec<O>,
        depths: Vec<usize>,
        weight: impl Fn(usize, usize) -> W,
    ) -> Self {
        let depth: usize = depths.iter().sum();
        let tiles = tiles(outputs.len(), isa.run(TallestTile));
        let mut packed = Aligned::zeroed(outputs.len() * depth);
        let mut rest = &mut *packed;
        for tile in &tiles {
            let (here, after) = rest.split_at_mut(tile.len() * depth);
            for (k, column) in here.chunks_exact_mut(tile.len()).enumerate() {
                for (packed, output) in column.iter_mut().zip(tile.clone()) {
                    *packed = weight(output, k);
                }
            }
            rest = after;
        }
        Self { packed, outputs, depths, tiles }
    }

    /// Output channels.
    pub(super) fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Channels, or words, of each tap.
    pub(super) fn depths(&self) -> &[usize] {
        &self.depths
    }

    /// The channels, or words, of all taps together.
    pub(super) fn depth(&self) -> usize {
        self.depths.iter().sum()
    }

    pub(super) fn tiles(&self) -> impl Iterator<Item = Tile<'_, W, O>> {
        let depth = self.depth();
        self.tiles.iter().map(move |tile| Tile {
            first: tile.start,
            weights: &self.packed[tile.start * depth..tile.end * depth],
            outputs: &self.outputs[tile.clone()],
            depths: &self.depths,
        })
    }
}

/// A bias for each output of a matrix `[outputs, inputs]`: zero unless it is given.
///
/// # Panics
///
/// When the lengths do not fit together.
pub(super) fn biases(matrix: &[f32], inputs: usize, bias: Option<&[f32]>) -> Vec<f32> {
    assert!(inputs > 0, "a dense convolution of no inputs");
    let outputs = matrix.len() / inputs;
    assert_eq!(outputs * inputs, matrix.len(), "weights are not rows of {inputs} inputs");
    let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
    assert_eq!(bias.len(), outputs, "biases of {outputs} outputs");
    bias
}

/// Cuts `outputs` into as few parts of at most `tallest` as possible, of nearly equal size.
fn tiles(outputs: usize, tallest: usize) -> Vec<Range<usize>> {
    let count = outputs.div_ceil(tallest);
    (0..count).map(|i| i * outputs / count..(i + 1) * outputs / count).collect()
}

/// [`Lanes::TILE`] of an instruction set.
struct TallestTile;

impl Kernel for TallestTile {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) -> usize {
        L::TILE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_even_and_cover_all_outputs() {
        for outputs in 0..300 {
            for tallest in 1..=12 {
                let tiles = tiles(outputs, tallest);
                let heights: Vec<usize> = tiles.iter().map(ExactSizeIterator::len).collect();
                assert_eq!(heights.iter().sum::<usize>(), outputs);
                assert_eq!(tiles.len(), outputs.div_ceil(tallest));
                let (least, most) = (heights.iter().min(), heights.iter().max());
                assert!(
                    most <= Some(&tallest) && least.zip(most).is_none_or(|(least, most)| most - least <= 1)
                );
                assert!(tiles.iter().zip(tiles.iter().skip(1)).all(|(a, b)| a.end == b.start));
            }
        }
    }
}
