//! Weights of a dense convolution in the order its tiles read them.

use crate::buffer::Buffer;
use crate::isa::Isa;
use crate::lanes::floats::{Kernel, Lanes};
use std::ops::Range;

/// Weights `[tile][tap][input][output of the tile]` and biases `[output]`.
///
/// The outputs are cut into as few tiles as the instruction set's tallest allows, and the tiles are of
/// equal height, give or take one: 60 outputs are five tiles of twelve, 80 are four of twelve and three of
/// eleven, 5 are one of five. No tile is padded.
#[derive(Clone, Debug)]
pub struct DenseWeights {
    packed: Buffer,
    bias: Vec<f32>,
    inputs_per_tap: Vec<usize>,
    tiles: Vec<Range<usize>>,
}

/// The weights of one tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile<'a> {
    /// The first of its outputs.
    pub(super) first: usize,
    /// `[tap][input][height]`.
    pub(super) weights: &'a [f32],
    /// `[height]`.
    pub(super) bias: &'a [f32],
    /// Channels of each tap.
    pub(super) inputs_per_tap: &'a [usize],
}

impl DenseWeights {
    /// Packs weights `[outputs, tap, input]` for `isa`. Taps may have different numbers of inputs;
    /// without `bias` it is zero.
    ///
    /// Weights packed for one instruction set give the right result with any other, only more slowly.
    ///
    /// # Panics
    ///
    /// When the lengths of `matrix`, `inputs_per_tap` and `bias` do not fit together.
    pub fn pack(isa: Isa, matrix: &[f32], inputs_per_tap: &[usize], bias: Option<&[f32]>) -> DenseWeights {
        let inputs: usize = inputs_per_tap.iter().sum();
        assert!(inputs > 0, "a dense convolution of no inputs");
        let outputs = matrix.len() / inputs;
        assert_eq!(outputs * inputs, matrix.len(), "weights are not rows of {inputs} inputs");
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        assert_eq!(bias.len(), outputs, "biases of {outputs} outputs");

        let tiles = tiles(outputs, isa.run(TallestTile));
        let mut packed = Buffer::zeroed(matrix.len());
        let mut rest = &mut *packed;
        for tile in &tiles {
            let (here, after) = rest.split_at_mut(tile.len() * inputs);
            for (k, column) in here.chunks_exact_mut(tile.len()).enumerate() {
                for (weight, output) in column.iter_mut().zip(tile.clone()) {
                    *weight = matrix[output * inputs + k];
                }
            }
            rest = after;
        }
        DenseWeights { packed, bias, inputs_per_tap: inputs_per_tap.to_vec(), tiles }
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Input channels of all taps together.
    pub fn inputs(&self) -> usize {
        self.inputs_per_tap.iter().sum()
    }

    /// Input channels of each tap.
    pub fn inputs_per_tap(&self) -> &[usize] {
        &self.inputs_per_tap
    }

    pub(super) fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        let inputs = self.inputs();
        self.tiles.iter().map(move |tile| Tile {
            first: tile.start,
            weights: &self.packed[tile.start * inputs..tile.end * inputs],
            bias: &self.bias[tile.clone()],
            inputs_per_tap: &self.inputs_per_tap,
        })
    }
}

/// Cuts `outputs` into as few parts of at most `tallest` as will do, as equal as can be.
pub(crate) fn tiles(outputs: usize, tallest: usize) -> Vec<Range<usize>> {
    let count = outputs.div_ceil(tallest);
    (0..count).map(|i| i * outputs / count..(i + 1) * outputs / count).collect()
}

/// [`Lanes::TILE`] of an instruction set.
pub(crate) struct TallestTile;

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
