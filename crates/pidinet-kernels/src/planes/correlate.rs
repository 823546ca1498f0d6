//! Gradients with respect to weights: sums over all pixels of products of two maps.

use std::ops::Range;

use super::frame::Frame;
use crate::lanes::floats::{Kernel, Lanes, WIDEST};

/// `sums[k][o] += Σ_p gradient[o][p] · src[reads[k] + p]` over the positions `p` of some rows.
///
/// `gradient` is zero in its frame, so positions between rows add nothing.
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
    /// The layout of the planes.
    pub frame: Frame,
    /// The rows that are summed.
    pub rows: Range<usize>,
    /// Whether negative sources count as zero.
    pub rectify: bool,
}

/// Floats of all sources that are summed at a time: few enough for most second-level caches to keep them for
/// all tiles of outputs. The same on every machine, since it decides in which order they are summed.
const CHUNK: usize = 1 << 16;

/// Most sums in registers.
const TILE: usize = 24;

impl Kernel for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, v: L) {
        // A tile of sums, its outputs and a source leave a register free.
        match (L::REGISTERS >= 32, self.rectify) {
            (true, true) => self.chunks::<L, true, 4, 6>(v),
            (true, false) => self.chunks::<L, false, 4, 6>(v),
            (false, true) => self.chunks::<L, true, 3, 3>(v),
            (false, false) => self.chunks::<L, false, 3, 3>(v),
        }
    }
}

impl Correlate<'_> {
    #[inline(always)]
    fn chunks<L: Lanes, const RECTIFY: bool, const O: usize, const K: usize>(&mut self, v: L) {
        let (Some(least), Some(most)) = (self.reads.iter().min(), self.reads.iter().max()) else { return };
        let planes = (most - least) as usize / self.frame.plane() + 1;
        let outputs = self.sums.len() / self.reads.len();
        let span = self.frame.row(self.rows.start)..self.frame.row(self.rows.end);
        // Adding up the sums of a tile costs as much as a few hundred positions; the outputs of a tile stay
        // in the nearest cache.
        let chunk = (CHUNK / planes).clamp(512, 1536) / L::WIDTH * L::WIDTH;
        let mut from = span.start;
        while from < span.end {
            // Only the first chunk begins within a vector.
            let part = from..((from + chunk) / L::WIDTH * L::WIDTH).min(span.end);
            from = part.end;
            let mut o = 0;
            while o + O <= outputs {
                self.columns::<L, RECTIFY, O, K>(v, o, &part);
                o += O;
            }
            while o + 2 <= outputs {
                self.columns::<L, RECTIFY, 2, 4>(v, o, &part);
                o += 2;
            }
            if o < outputs {
                self.columns::<L, RECTIFY, 1, 8>(v, o, &part);
            }
        }
    }

    #[inline(always)]
    fn columns<L: Lanes, const RECTIFY: bool, const O: usize, const K: usize>(
        &mut self,
        v: L,
        o: usize,
        part: &Range<usize>,
    ) {
        let mut k = 0;
        while k + K <= self.reads.len() {
            self.tile::<L, RECTIFY, O, K>(v, o, k, part);
            k += K;
        }
        while k + 2 <= self.reads.len() {
            self.tile::<L, RECTIFY, O, 2>(v, o, k, part);
            k += 2;
        }
        if k < self.reads.len() {
            self.tile::<L, RECTIFY, O, 1>(v, o, k, part);
        }
    }

    /// `K × O` sums in registers.
    #[inline(always)]
    fn tile<L: Lanes, const RECTIFY: bool, const O: usize, const K: usize>(
        &mut self,
        v: L,
        o: usize,
        k: usize,
        part: &Range<usize>,
    ) {
        let plane = self.frame.plane();
        let outputs = self.sums.len() / self.reads.len();
        // Vectors begin at multiples of their width, so that they do not straddle lines of the cache if planes begin at one.
        // There is something to read before the first position, and after the last one, if only the slack of a plane.
        let start = part.start / L::WIDTH * L::WIDTH;
        let (before, len) = (part.start - start, part.end - start);
        let readable = len.next_multiple_of(L::WIDTH);
        let gradients: [&[f32]; O] =
            std::array::from_fn(|i| &self.gradient[(o + i) * plane + start..][..readable]);
        let sources: [&[f32]; K] =
            std::array::from_fn(|i| &self.src[(start as isize + self.reads[k + i]) as usize..][..readable]);
        // Closures would be compiled without the instruction set, so the loops are written out.
        let zero = v.splat(0.0);
        let mut sums = [[zero; O]; K];
        let first = if before > 0 { L::WIDTH } else { 0 };
        let whole = len / L::WIDTH * L::WIDTH;
        for p in (first..whole).step_by(L::WIDTH) {
            let mut gradient = [zero; O];
            for i in 0..O {
                gradient[i] = v.load(&gradients[i][p..]);
            }
            for i in 0..K {
                let mut src = v.load(&sources[i][p..]);
                if RECTIFY {
                    src = v.max(src, zero);
                }
                for j in 0..O {
                    sums[i][j] = v.mul_add(src, gradient[j], sums[i][j]);
                }
            }
        }
        // Some lanes of the first vector, and of the last one unless it is the first.
        let head = if before > 0 { len.min(L::WIDTH) } else { 0 };
        let tail = if whole > 0 || before == 0 { len - whole } else { 0 };
        for (p, from, to) in [(0, before, head), (whole, 0, tail)] {
            if to == 0 {
                continue;
            }
            let mut gradient = [zero; O];
            for i in 0..O {
                gradient[i] = lanes(v, v.load(&gradients[i][p..]), from, to);
            }
            for i in 0..K {
                let mut src = lanes(v, v.load(&sources[i][p..]), from, to);
                if RECTIFY {
                    src = v.max(src, zero);
                }
                for j in 0..O {
                    sums[i][j] = v.mul_add(src, gradient[j], sums[i][j]);
                }
            }
        }
        let mut flat = [zero; TILE];
        for i in 0..K {
            for j in 0..O {
                flat[i * O + j] = sums[i][j];
            }
        }
        let totals = totals(v, flat, const { K * O });
        for i in 0..K {
            let row = &mut self.sums[(k + i) * outputs + o..][..O];
            for j in 0..O {
                row[j] += totals[i * O + j];
            }
        }
    }
}

/// The lanes `from..to` of a vector; zeros in the others.
#[inline(always)]
fn lanes<L: Lanes>(v: L, vector: L::F32, from: usize, to: usize) -> L::F32 {
    let kept = v.keep_first(vector, to);
    if from == 0 { kept } else { v.sub(kept, v.keep_first(kept, from)) }
}

/// The sums of the lanes of the first `count` vectors.
#[inline(always)]
fn totals<L: Lanes>(v: L, mut vectors: [L::F32; TILE], count: usize) -> [f32; TILE + WIDEST] {
    // Adding neighbours in two vectors gives one vector with the sums of both, so `WIDTH` vectors end as one.
    halve(v, &mut vectors, count.div_ceil(2));
    halve(v, &mut vectors, count.div_ceil(4));
    if L::WIDTH >= 8 {
        halve(v, &mut vectors, count.div_ceil(8));
    }
    if L::WIDTH >= 16 {
        halve(v, &mut vectors, count.div_ceil(16));
    }
    let mut totals = [0.0; TILE + WIDEST];
    for i in 0..count.div_ceil(L::WIDTH) {
        v.store(&mut totals[i * L::WIDTH..], vectors[i]);
    }
    totals
}

/// Adds neighbours: each of the first `half` vectors then holds the sums of two.
#[inline(always)]
fn halve<L: Lanes>(v: L, vectors: &mut [L::F32; TILE], half: usize) {
    for i in 0..half {
        let second = if 2 * i + 1 < TILE { vectors[2 * i + 1] } else { v.splat(0.0) };
        let (even, odd) = v.deinterleave(vectors[2 * i], second);
        vectors[i] = v.add(even, odd);
    }
}
