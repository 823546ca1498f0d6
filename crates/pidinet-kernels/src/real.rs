//! The real convolutions of binary networks: sums in f64, rounded once.
//!
//! The sign of a number next to zero depends on its last bit. Products of floats are exact in f64, and every
//! instruction set adds them in the order of the runs, one lane for each output: all give the same bits. These
//! convolutions are a small part of a binary network; those of edge networks are [`dense`](crate::dense).

use crate::bit_lanes::{BitKernel, BitLanes};
use crate::bits::GROUP;
use crate::buffer::Aligned;
use crate::isa::Isa;
use crate::xnor::{Width, ends};

/// Floats of neighbouring pixels that a convolution reads together: such as seven pixels of a row.
#[derive(Clone, Copy, Debug)]
pub struct RealRun<'a> {
    /// The numbers of the first output, and all that follow; each is an f32.
    pub values: &'a [f64],
    /// Numbers from those of one output to those of the next.
    pub step: usize,
}

/// Weights in the order in which tiles read them: `[tile][input][output of the tile]`.
#[derive(Clone, Debug)]
pub struct RealWeights {
    packed: Aligned<f64>,
    /// Inputs of each run.
    runs: Vec<usize>,
    outputs: usize,
    /// Outputs of a tile.
    tile: usize,
}

impl RealWeights {
    /// Packs the weights `[output][input]` of runs with `runs` inputs each, for `isa`.
    ///
    /// # Panics
    ///
    /// When `matrix` is not whole rows of the runs.
    pub fn pack(isa: Isa, matrix: &[f32], runs: &[usize]) -> Self {
        let row: usize = runs.iter().sum();
        assert!(row > 0 && matrix.len().is_multiple_of(row), "weights are not rows of {row} inputs");
        let outputs = matrix.len() / row;
        let tile = isa.run_bits(Width);
        let mut packed = Aligned::zeroed(outputs.next_multiple_of(tile) * row);
        for (output, weights) in matrix.chunks_exact(row).enumerate() {
            let start = output / tile * tile * row + output % tile;
            for (packed, &weight) in packed[start..].iter_mut().step_by(tile).zip(weights) {
                *packed = f64::from(weight);
            }
        }
        Self { packed, runs: runs.to_vec(), outputs, tile }
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

/// A row of a real convolution.
///
/// # Panics
///
/// As [`Xnor`](crate::xnor::Xnor).
#[derive(Debug)]
pub struct Real<'a> {
    /// What is read.
    pub runs: &'a [RealRun<'a>],
    /// What it is multiplied with.
    pub weights: &'a RealWeights,
    /// `[pixel][outputs padded to GROUP]`; its length says how many pixels there are. The padding is
    /// left alone or 0.
    pub dst: &'a mut [f32],
}

impl BitKernel for Real<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: BitLanes>(self, lanes: L) {
        let Self { runs, weights, dst } = self;
        assert_eq!(weights.tile, L::WIDTH, "weights were packed for another instruction set");
        assert_eq!(runs.len(), weights.runs.len(), "runs of the row and of the weights");
        let inputs: usize = weights.runs.iter().sum();
        let stride = weights.outputs.next_multiple_of(GROUP);
        let pixels = dst.len() / stride;
        for (number, tile) in weights.packed.chunks_exact(inputs * L::WIDTH).enumerate() {
            let mut first = 0;
            for end in ends(pixels, L::PIXELS) {
                let dst = &mut dst[first * stride + number * L::WIDTH..];
                let part = Part { runs, lengths: &weights.runs, tile, first, stride, dst };
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

/// Some pixels of one tile.
struct Part<'a> {
    runs: &'a [RealRun<'a>],
    /// Inputs of each run.
    lengths: &'a [usize],
    /// `[input][output of the tile]`.
    tile: &'a [f64],
    /// The first pixel.
    first: usize,
    /// Floats from pixel to pixel of `dst`.
    stride: usize,
    /// Begins at the tile's first output of the first pixel.
    dst: &'a mut [f32],
}

impl Part<'_> {
    /// A tile is two vectors of f64 wide, as many as a vector has f32.
    #[inline(always)]
    fn run<L: BitLanes, const P: usize>(self, lanes: L) {
        let mut weights = self.tile.chunks_exact(L::WIDTH);
        let (mut left, mut right) = ([lanes.splat_f64(0.0); P], [lanes.splat_f64(0.0); P]);
        for (run, &length) in self.runs.iter().zip(self.lengths) {
            let pixels: [&[f64]; P] =
                std::array::from_fn(|p| &run.values[(self.first + p) * run.step..][..length]);
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
            let dst = &mut self.dst[p * self.stride..];
            lanes.store_rounded(dst, left[p]);
            lanes.store_rounded(&mut dst[L::DOUBLES..], right[p]);
        }
    }
}
