//! Products of signs: XNOR and population count.
//!
//! With bit 0 for +1 and bit 1 for −1, the sum of `n` products of signs is `n − 2 · popcount(a ^ b)`. A tile
//! holds as many outputs as a vector has words and a few pixels: it loads the weights of a word once, and
//! for each pixel broadcasts a word of bits.

mod border;

pub use border::{Border, Place};

use crate::bit_lanes::{BitKernel, BitLanes};
use crate::bits::GROUP;
use crate::buffer::Aligned;
use crate::isa::Isa;

/// Bits of neighbouring pixels that a convolution reads together: such as three pixels of a row.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The words of the first output, and all that follow.
    pub bits: &'a [u32],
    /// Words from those of one output to those of the next.
    pub step: usize,
}

/// Weights in the order in which tiles read them: `[tile][word][output of the tile]`.
#[derive(Clone, Debug)]
pub struct XnorWeights {
    packed: Aligned<u32>,
    /// Words of each run.
    runs: Vec<usize>,
    outputs: usize,
    /// Signs in a sum.
    signs: u32,
    /// Outputs of a tile.
    tile: usize,
}

impl XnorWeights {
    /// Packs the weights `[output][word]` of runs with `runs` words each, for `isa`. A sum has `signs` products;
    /// the spare bits of `words` are 0.
    ///
    /// # Panics
    ///
    /// When `words` are not whole rows of the runs, or a sum is too large for the mantissa of an f32.
    pub fn pack(isa: Isa, words: &[u32], runs: &[usize], signs: usize) -> Self {
        let row: usize = runs.iter().sum();
        assert!(row > 0 && words.len().is_multiple_of(row), "weights are not rows of {row} words");
        assert!(signs <= 32 * row && signs < 1 << 24, "{signs} signs in {row} words");
        let outputs = words.len() / row;
        let tile = isa.run_bits(Width);
        let mut packed = Aligned::zeroed(outputs.next_multiple_of(tile) * row);
        for (output, words) in words.chunks_exact(row).enumerate() {
            let start = output / tile * tile * row + output % tile;
            for (packed, word) in packed[start..].iter_mut().step_by(tile).zip(words) {
                *packed = *word;
            }
        }
        Self { packed, runs: runs.to_vec(), outputs, signs: signs as u32, tile }
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

/// A row of sums of products of signs, as floats that are whole numbers.
///
/// # Panics
///
/// [`BitKernel::run`] panics when there is not a run of bits for each of the weights, one is too short, or
/// the weights were packed for vectors of another width.
#[derive(Debug)]
pub struct Xnor<'a> {
    /// What is read.
    pub runs: &'a [Run<'a>],
    /// What it is multiplied with.
    pub weights: &'a XnorWeights,
    /// `[pixel][outputs padded to GROUP]`; its length says how many pixels there are. The padding is
    /// undefined.
    pub dst: &'a mut [f32],
}

impl BitKernel for Xnor<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: BitLanes>(self, lanes: L) {
        let Self { runs, weights, dst } = self;
        assert_eq!(weights.tile, L::WIDTH, "weights were packed for another instruction set");
        assert_eq!(runs.len(), weights.runs.len(), "runs of the row and of the weights");
        let words: usize = weights.runs.iter().sum();
        let stride = weights.outputs.next_multiple_of(GROUP);
        let pixels = dst.len() / stride;
        for (number, tile) in weights.packed.chunks_exact(words * L::WIDTH).enumerate() {
            let mut first = 0;
            for end in ends(pixels, L::PIXELS) {
                let dst = &mut dst[first * stride + number * L::WIDTH..];
                let part =
                    Part { runs, lengths: &weights.runs, tile, signs: weights.signs, first, stride, dst };
                match end - first {
                    1 => part.run::<L, 1>(lanes),
                    2 => part.run::<L, 2>(lanes),
                    3 => part.run::<L, 3>(lanes),
                    4 => part.run::<L, 4>(lanes),
                    5 if L::PIXELS > 4 => part.run::<L, 5>(lanes),
                    6 if L::PIXELS > 4 => part.run::<L, 6>(lanes),
                    7 if L::PIXELS > 4 => part.run::<L, 7>(lanes),
                    8 if L::PIXELS > 4 => part.run::<L, 8>(lanes),
                    other => unreachable!("a part of {other} pixels"),
                }
                first = end;
            }
        }
    }
}

/// Cuts `count` into as few parts of at most `most` as will do, as equal as can be: where each ends.
#[inline(always)]
pub(crate) fn ends(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let parts = count.div_ceil(most);
    (1..=parts).map(move |i| i * count / parts)
}

/// Some pixels of one tile.
struct Part<'a> {
    runs: &'a [Run<'a>],
    /// Words of each run.
    lengths: &'a [usize],
    /// `[word][output of the tile]`.
    tile: &'a [u32],
    signs: u32,
    /// The first pixel.
    first: usize,
    /// Floats from pixel to pixel of `dst`.
    stride: usize,
    /// Begins at the tile's first output of the first pixel.
    dst: &'a mut [f32],
}

impl Part<'_> {
    #[inline(always)]
    fn run<L: BitLanes, const P: usize>(self, lanes: L) {
        let mut weights = self.tile.chunks_exact(L::WIDTH);
        let mut sums = [lanes.splat_word(0); P];
        for (run, &length) in self.runs.iter().zip(self.lengths) {
            let pixels: [&[u32]; P] =
                std::array::from_fn(|p| &run.bits[(self.first + p) * run.step..][..length]);
            let mut start = 0;
            while start < length {
                let end = length.min(start.saturating_add(L::STEPS));
                let mut counts = [lanes.no_counts(); P];
                for (k, weights) in (start..end).zip(weights.by_ref()) {
                    let weights = lanes.load_words(weights);
                    for p in 0..P {
                        counts[p] = lanes.count(counts[p], lanes.splat_word(pixels[p][k]), weights);
                    }
                }
                for p in 0..P {
                    sums[p] = lanes.add_counts(sums[p], counts[p]);
                }
                start = end;
            }
        }
        for (p, sums) in sums.into_iter().enumerate() {
            lanes.store_products(&mut self.dst[p * self.stride..], self.signs, sums);
        }
    }
}

/// [`BitLanes::WIDTH`] of an instruction set.
pub(crate) struct Width;

impl BitKernel for Width {
    type Output = usize;

    #[inline(always)]
    fn run<L: BitLanes>(self, _: L) -> usize {
        L::WIDTH
    }
}
