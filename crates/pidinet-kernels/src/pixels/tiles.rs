//! How products of binary networks traverse a row: one tile of outputs after another, and in each a few
//! pixels at a time.
//!
//! A tile holds as many outputs as a vector has words: it loads the weights of an input once and broadcasts
//! the input of each pixel.

use crate::buffer::Aligned;
use crate::isa::Isa;
use crate::lanes::bits::{BitKernel, BitLanes};
use crate::pixels::pack::GROUP;

/// Weights in the order in which tiles read them: `[tile][input][output of the tile]`.
#[derive(Clone, Debug)]
pub(crate) struct Tiles<T: Copy + Default> {
    packed: Aligned<T>,
    /// Inputs of each run.
    runs: Vec<usize>,
    outputs: usize,
    /// Outputs of a tile.
    height: usize,
}

impl<T: Copy + Default> Tiles<T> {
    /// Packs the weights `[output][input]` of runs with `runs` inputs each, for `isa`.
    pub(crate) fn pack<S: Copy + Into<T>>(isa: Isa, matrix: &[S], runs: &[usize]) -> Self {
        let row: usize = runs.iter().sum();
        assert!(row > 0 && matrix.len().is_multiple_of(row), "weights are not rows of {row} inputs");
        let outputs = matrix.len() / row;
        let height = isa.run_bits(Width);
        let mut packed = Aligned::zeroed(outputs.next_multiple_of(height) * row);
        for (output, weights) in matrix.chunks_exact(row).enumerate() {
            let start = output / height * height * row + output % height;
            for (packed, &weight) in packed[start..].iter_mut().step_by(height).zip(weights) {
                *packed = weight.into();
            }
        }
        Self { packed, runs: runs.to_vec(), outputs, height }
    }

    /// Outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Runs of inputs.
    pub(crate) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Computes all outputs of as many pixels as `dst` holds, `[pixel][outputs padded to GROUP]`.
    #[inline(always)]
    pub(crate) fn fill<L: BitLanes>(&self, lanes: L, product: impl Product<T>, dst: &mut [f32]) {
        assert_eq!(self.height, L::WIDTH, "weights were packed for another instruction set");
        let inputs: usize = self.runs.iter().sum();
        let stride = self.outputs.next_multiple_of(GROUP);
        let pixels = dst.len() / stride;
        for (number, weights) in self.packed.chunks_exact(inputs * L::WIDTH).enumerate() {
            let mut first = 0;
            for end in ends(pixels, L::PIXELS) {
                let dst = &mut dst[first * stride + number * L::WIDTH..];
                let part = Part { lengths: &self.runs, weights, first, stride, dst };
                match end - first {
                    1 => product.fill::<L, 1>(lanes, part),
                    2 => product.fill::<L, 2>(lanes, part),
                    3 => product.fill::<L, 3>(lanes, part),
                    4 => product.fill::<L, 4>(lanes, part),
                    5 if L::PIXELS > 4 => product.fill::<L, 5>(lanes, part),
                    6 if L::PIXELS > 4 => product.fill::<L, 6>(lanes, part),
                    7 if L::PIXELS > 4 => product.fill::<L, 7>(lanes, part),
                    8 if L::PIXELS > 4 => product.fill::<L, 8>(lanes, part),
                    other => unreachable!("a part of {other} pixels"),
                }
                first = end;
            }
        }
    }
}

/// What is multiplied by weights.
pub(crate) trait Product<T>: Copy {
    /// Computes a part of `P` pixels; must be inlined, like kernels.
    fn fill<L: BitLanes, const P: usize>(self, lanes: L, part: Part<'_, T>);
}

/// Some pixels of one tile.
pub(crate) struct Part<'a, T> {
    /// Inputs of each run.
    pub(crate) lengths: &'a [usize],
    /// `[input][output of the tile]`.
    pub(crate) weights: &'a [T],
    /// The first pixel.
    pub(crate) first: usize,
    /// Floats from pixel to pixel of `dst`.
    pub(crate) stride: usize,
    /// Begins at the tile's first output of the first pixel.
    pub(crate) dst: &'a mut [f32],
}

/// Cuts `count` into as few parts of at most `most` as possible, of nearly equal size; returns where each
/// ends.
#[inline(always)]
fn ends(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let parts = count.div_ceil(most);
    (1..=parts).map(move |i| i * count / parts)
}

/// [`BitLanes::WIDTH`] of an instruction set.
struct Width;

impl BitKernel for Width {
    type Output = usize;

    #[inline(always)]
    fn run<L: BitLanes>(self, _: L) -> usize {
        L::WIDTH
    }
}
