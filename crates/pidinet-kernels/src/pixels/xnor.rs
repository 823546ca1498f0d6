//! Products of signs: XNOR and population count.
//!
//! With bit 0 for +1 and bit 1 for −1, the sum of `n` products of signs is `n − 2 · popcount(a ^ b)`.

use crate::isa::Isa;
use crate::lanes::bits::{BitKernel, BitLanes};
use crate::pixels::tiles::{Part, Product, Tiles};

/// Bits of neighbouring pixels that a convolution reads together, such as three pixels of a row.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The words of the first output, and everything after them.
    pub bits: &'a [u32],
    /// Words from the inputs of one output to those of the next.
    pub step: usize,
}

/// Weights in the order in which they are read.
#[derive(Clone, Debug)]
pub struct XnorWeights {
    tiles: Tiles<u32>,
    /// Signs in a sum.
    signs: u32,
}

impl XnorWeights {
    /// Packs the weights `[output][word]` of runs with `runs` words each, for `isa`. A sum has `signs` products;
    /// the spare bits of `words` are 0.
    ///
    /// # Panics
    ///
    /// When `words` does not consist of whole rows of the runs, or a sum is too large for the mantissa of an
    /// f32.
    pub fn pack(isa: Isa, words: &[u32], runs: &[usize], signs: usize) -> Self {
        let row: usize = runs.iter().sum();
        assert!(signs <= 32 * row && signs < 1 << 24, "{signs} signs in {row} words");
        Self { tiles: Tiles::pack(isa, words, runs), signs: signs as u32 }
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.tiles.outputs()
    }
}

/// A row of sums of products of signs, which are whole numbers stored as floats.
///
/// # Panics
///
/// [`BitKernel::run`] panics when the number of runs is not that of the weights, a run is too short, or
/// the weights were packed for vectors of another width.
#[derive(Debug)]
pub struct Xnor<'a> {
    /// What is read.
    pub runs: &'a [Run<'a>],
    /// What it is multiplied by.
    pub weights: &'a XnorWeights,
    /// `[pixel][outputs padded to GROUP]`; its length says how many pixels there are. The padding is
    /// undefined.
    pub dst: &'a mut [f32],
}

impl BitKernel for Xnor<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: BitLanes>(self, lanes: L) {
        let Self { runs, weights: XnorWeights { tiles, signs }, dst } = self;
        assert_eq!(runs.len(), tiles.runs(), "runs of the row and of the weights");
        tiles.fill(lanes, Signs { runs, count: *signs }, dst);
    }
}

/// What a row reads.
#[derive(Clone, Copy)]
struct Signs<'a> {
    runs: &'a [Run<'a>],
    /// Signs in a sum.
    count: u32,
}

impl Product<u32> for Signs<'_> {
    #[inline(always)]
    fn fill<L: BitLanes, const P: usize>(self, lanes: L, part: Part<'_, u32>) {
        let mut weights = part.weights.chunks_exact(L::WIDTH);
        let mut sums = [lanes.splat_word(0); P];
        for (run, &length) in self.runs.iter().zip(part.lengths) {
            let pixels: [&[u32]; P] =
                std::array::from_fn(|p| &run.bits[(part.first + p) * run.step..][..length]);
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
            lanes.store_products(&mut part.dst[p * part.stride..], self.count, sums);
        }
    }
}
