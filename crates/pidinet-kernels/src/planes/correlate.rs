//! Gradients by weights: sums over all pixels of products of two maps.

use std::ops::Range;

use super::Frame;
use crate::lanes::floats::{Kernel, Lanes};

/// `sums[k][o] += Σ_p gradient[o][p] · src[reads[k] + p]` over the positions `p` of some rows.
///
/// `gradient` is zero in its frame, so positions between rows count nothing.
///
/// # Panics
///
/// If a slice is shorter than the frame and the reads say.
#[derive(Debug)]
pub struct Correlate<'a> {
    /// The planes that were convolved.
    pub src: &'a [f32],
    /// For each `k`, where in `src` the pixel for position 0 of the plane lies.
    pub reads: &'a [isize],
    /// `outputs` planes.
    pub gradient: &'a [f32],
    /// `[reads, outputs]`.
    pub sums: &'a mut [f32],
    /// How the planes lie.
    pub frame: Frame,
    /// The rows that are summed.
    pub rows: Range<usize>,
    /// Whether negative sources count as zero.
    pub rectify: bool,
}

/// Positions that are summed in one go: few enough for the planes of a tile to stay in the nearest cache.
const CHUNK: usize = 1024;

/// Most sums in registers.
const TILE: usize = 16;

impl Kernel for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, v: L) {
        if self.reads.is_empty() {
            return;
        }
        let outputs = self.sums.len() / self.reads.len();
        let span = self.frame.row(self.rows.start)..self.frame.row(self.rows.end);

        for from in span.clone().step_by(CHUNK) {
            let part = from..(from + CHUNK).min(span.end);
            let mut o = 0;
            while o + 4 <= outputs {
                self.columns::<L, 4, 4>(v, o, &part);
                o += 4;
            }
            while o + 2 <= outputs {
                self.columns::<L, 2, 8>(v, o, &part);
                o += 2;
            }
            if o < outputs {
                self.columns::<L, 1, 8>(v, o, &part);
            }
        }
    }
}

impl Correlate<'_> {
    #[inline(always)]
    fn columns<L: Lanes, const O: usize, const K: usize>(&mut self, v: L, o: usize, part: &Range<usize>) {
        let mut k = 0;
        while k + K <= self.reads.len() {
            self.tile::<L, O, K>(v, o, k, part);
            k += K;
        }
        while k < self.reads.len() {
            self.tile::<L, O, 1>(v, o, k, part);
            k += 1;
        }
    }

    /// `K × O` sums in registers.
    #[inline(always)]
    fn tile<L: Lanes, const O: usize, const K: usize>(
        &mut self,
        v: L,
        o: usize,
        k: usize,
        part: &Range<usize>,
    ) {
        let plane = self.frame.plane();
        let outputs = self.sums.len() / self.reads.len();
        let len = part.len();
        let whole = len / L::WIDTH * L::WIDTH;
        let gradients: [&[f32]; O] =
            std::array::from_fn(|i| &self.gradient[(o + i) * plane + part.start..][..len]);
        let sources: [&[f32]; K] =
            std::array::from_fn(|i| &self.src[(part.start as isize + self.reads[k + i]) as usize..][..len]);
        // Closures would be compiled without the instruction set, so loops are written out.
        let zero = v.splat(0.0);
        let mut sums = [[zero; O]; K];
        for p in (0..whole).step_by(L::WIDTH) {
            let mut gradient = [zero; O];
            for i in 0..O {
                gradient[i] = v.load(&gradients[i][p..]);
            }
            for i in 0..K {
                let mut src = v.load(&sources[i][p..]);
                if self.rectify {
                    src = v.max(src, zero);
                }
                for j in 0..O {
                    sums[i][j] = v.mul_add(src, gradient[j], sums[i][j]);
                }
            }
        }
        if whole < len {
            for i in 0..K {
                let mut src = v.load_first(&sources[i][whole..]);
                if self.rectify {
                    src = v.max(src, zero);
                }
                for j in 0..O {
                    sums[i][j] = v.mul_add(src, v.load_first(&gradients[j][whole..]), sums[i][j]);
                }
            }
        }
        let mut flat = [zero; TILE];
        for i in 0..K {
            for j in 0..O {
                flat[i * O + j] = sums[i][j];
            }
        }
        let totals = totals(v, flat);
        for i in 0..K {
            for j in 0..O {
                self.sums[(k + i) * outputs + o + j] += totals[i * O + j];
            }
        }
    }
}

/// The sum of the lanes of each vector.
#[inline(always)]
fn totals<L: Lanes>(v: L, mut vectors: [L::F32; TILE]) -> [f32; TILE] {
    // Adding neighbours of two vectors gives one with the sums of both, so `WIDTH` of them end as one.
    let mut count = TILE;
    let mut width = L::WIDTH;
    while width > 1 {
        count /= 2;
        width /= 2;
        for i in 0..count {
            let (even, odd) = v.deinterleave(vectors[2 * i], vectors[2 * i + 1]);
            vectors[i] = v.add(even, odd);
        }
    }
    let mut totals = [0.0; TILE];
    for i in 0..count {
        v.store(&mut totals[i * L::WIDTH..], vectors[i]);
    }
    totals
}
