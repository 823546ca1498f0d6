//! The real convolutions of binary networks: sums in f64, rounded once.
//!
//! The sign of a number close to zero depends on its last bit. Products of floats are exact in f64, and every
//! instruction set adds them in the order of the runs, one lane for each output, so all give the same bits.
//! These convolutions are a small part of a binary network; those of edge networks are
//! [`dense`](crate::rows::dense).

use crate::isa::Isa;
use crate::lanes::bits::{BitKernel, BitLanes};
use crate::pixels::tiles::{Part, Product, Tiles};

/// Floats of neighbouring pixels that a convolution reads together, such as seven pixels of a row.
#[derive(Clone, Copy, Debug)]
pub struct RealRun<'a> {
    /// The inputs of the first output, and everything after them; each is exactly an f32.
    pub values: &'a [f64],
    /// Elements from the inputs of one output to those of the next.
    pub step: usize,
}

/// Weights in the order in which they are read.
#[derive(Clone, Debug)]
pub struct RealWeights(Tiles<f64>);

impl RealWeights {
    /// Packs the weights `[output][input]` of runs with `runs` inputs each, for `isa`.
    ///
    /// # Panics
    ///
    /// When `matrix` does not consist of whole rows of the runs.
    pub fn pack(isa: Isa, matrix: &[f32], runs: &[usize]) -> Self {
        Self(Tiles::pack(isa, matrix, runs))
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.0.outputs()
    }
}

/// A row of a real convolution.
///
/// # Panics
///
/// As [`Xnor`](crate::pixels::xnor::Xnor).
#[derive(Debug)]
pub struct Real<'a> {
    /// What is read.
    pub runs: &'a [RealRun<'a>],
    /// What it is multiplied by.
    pub weights: &'a RealWeights,
    /// `[pixel][outputs padded to GROUP]`; its length says how many pixels there are. The padding is
    /// left alone or 0.
    pub dst: &'a mut [f32],
}

impl BitKernel for Real<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: BitLanes>(self, lanes: L) {
        let Self { runs, weights: RealWeights(tiles), dst } = self;
        assert_eq!(runs.len(), tiles.runs(), "runs of the row and of the weights");
        tiles.fill(lanes, Values(runs), dst);
    }
}

/// What a row reads.
#[derive(Clone, Copy)]
struct Values<'a>(&'a [RealRun<'a>]);

impl Product<f64> for Values<'_> {
    /// A tile is two vectors of f64 wide, as many as a vector has f32.
    #[inline(always)]
    fn fill<L: BitLanes, const P: usize>(self, lanes: L, part: Part<'_, f64>) {
        let mut weights = part.weights.chunks_exact(L::WIDTH);
        let (mut left, mut right) = ([lanes.splat_f64(0.0); P], [lanes.splat_f64(0.0); P]);
        for (run, &length) in self.0.iter().zip(part.lengths) {
            let pixels: [&[f64]; P] =
                std::array::from_fn(|p| &run.values[(part.first + p) * run.step..][..length]);
            for (k, weights) in (0..length).zip(weights.by_ref()) {
                let (first, second) = (lanes.load_f64(weights), lanes.load_f64(&weights[L::DOUBLES..]));
                for p in 0..P {
                    let value = lanes.splat_f64(pixels[p][k]);
                    left[p] = lanes.mul_add_f64(value, first, left[p]);
                    right[p] = lanes.mul_add_f64(value, second, right[p]);
                }
            }
        }
        for p in 0..P {
            let dst = &mut part.dst[p * part.stride..];
            lanes.store_rounded(dst, left[p]);
            lanes.store_rounded(&mut dst[L::DOUBLES..], right[p]);
        }
    }
}
