//! Weighted sums of shifted planes: every convolution, and its gradient with respect to its input.

use std::ops::Range;

use super::frame::Frame;
use crate::lanes::floats::{Kernel, Lanes};

/// What a sum is added to.
#[derive(Clone, Copy, Debug)]
pub enum Onto<'a> {
    /// Nothing: the destination is overwritten.
    Nothing,
    /// The destination's content.
    Itself,
    /// Other planes of the same frame, one for each output.
    Planes(&'a [f32]),
}

/// Planes that a cache has, because they were just read or written. Others are asked for ahead of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Near {
    /// Those that are added, and those that must be positive.
    pub beside: bool,
    /// The destination.
    pub dst: bool,
}

/// `dst[o][p] = onto[o][p] + bias[o] + Σ_k weights[k][o] · src[reads[k] + p]` for the positions `p` of
/// some rows.
///
/// A 1×1 convolution has one `k` for each input channel, a 3×3 one nine, and four dilated ones added
/// together thirty-six; a depthwise one takes a call for each channel, with a single output. The gradient
/// with respect to the input is the same sum with outputs and inputs exchanged and the distances negated.
///
/// # Panics
///
/// If a slice is shorter than the frame and the reads say.
#[derive(Debug)]
pub struct Mix<'a> {
    /// The planes that are read.
    pub src: &'a [f32],
    /// For each `k`, where in `src` the pixel for position 0 of a plane lies.
    pub reads: &'a [isize],
    /// `[reads, outputs]`.
    pub weights: &'a [f32],
    /// One number for each output.
    pub bias: Option<&'a [f32]>,
    /// What the sum is added to.
    pub onto: Onto<'a>,
    /// `outputs` planes.
    pub dst: &'a mut [f32],
    /// The layout of all planes.
    pub frame: Frame,
    /// The rows of `dst` that are computed.
    pub rows: Range<usize>,
    /// Whether negative sources count as zero: `max(src, 0)` is convolved.
    pub rectify: bool,
    /// Planes for the outputs: where they are not positive, the sum counts as zero. For the gradient
    /// with respect to a rectified input.
    pub positive: Option<&'a [f32]>,
    /// What need not be asked for ahead of time.
    pub near: Near,
}

impl Kernel for Mix<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, v: L) {
        if self.reads.is_empty() {
            return;
        }
        let outputs = self.outputs();
        assert_eq!(self.weights.len(), outputs * self.reads.len(), "weights are [reads, outputs]");
        assert!(self.dst.len() >= outputs * self.frame.plane(), "outputs have a plane each");
        if self.rectify {
            self.strips::<L, true>(v);
        } else {
            self.strips::<L, false>(v);
        }
    }
}

/// Rows that are computed before the frame right of them is cleared, while the cache still has them.
const STRIP: usize = 4;

/// Most outputs of a tile, with 32 vector registers.
const TALLEST_OF_32: usize = 8;

/// Most outputs of a tile, with 16.
const TALLEST_OF_16: usize = 6;

/// How many tiles ahead memory is asked for. A tile reads a few lines of each of many planes, which are more
/// places than a CPU foresees.
const AHEAD: usize = 4;

impl Mix<'_> {
    #[inline(always)]
    fn strips<L: Lanes, const RECTIFY: bool>(&mut self, v: L) {
        let (frame, rows, outputs) = (self.frame, self.rows.clone(), self.outputs());
        for y in rows.clone().step_by(STRIP) {
            let strip = y..(y + STRIP).min(rows.end);
            self.strip::<L, RECTIFY>(v, frame.row(strip.start)..frame.row(strip.end));
            for plane in self.dst.chunks_exact_mut(frame.plane()).take(outputs) {
                frame.clear(plane, strip.clone());
            }
        }
    }

    /// All outputs at the positions `span`. Only the first vector that is stored may straddle two lines of the cache.
    #[inline(always)]
    fn strip<L: Lanes, const RECTIFY: bool>(&mut self, v: L, span: Range<usize>) {
        let line = L::WIDTH * size_of::<f32>();
        let whole = (span.start + self.dst[span.start..].as_ptr().align_offset(line)).min(span.end);
        if span.start < whole {
            self.column::<L, RECTIFY, 1>(v, span.start, whole);
        }
        // A tile of sums stays in registers, leaving room for its sources, a weight and one spare: 24 of 32,
        // or 12 of 16. Positions in the outer loop, outputs in the inner one: the sources of a tile stay in
        // the cache for all outputs.
        if self.outputs() < 4 {
            for p in (whole..span.end).step_by(8 * L::WIDTH) {
                self.column::<L, RECTIFY, 8>(v, p, span.end);
            }
        } else if L::REGISTERS >= 32 {
            for p in (whole..span.end).step_by(3 * L::WIDTH) {
                self.column::<L, RECTIFY, 3>(v, p, span.end);
            }
        } else {
            for p in (whole..span.end).step_by(2 * L::WIDTH) {
                self.column::<L, RECTIFY, 2>(v, p, span.end);
            }
        }
    }

    /// All outputs at `V` vectors of positions from `p` on; positions before `end` are stored. Of eight vectors, a tile has
    /// a single output.
    #[inline(always)]
    fn column<L: Lanes, const RECTIFY: bool, const V: usize>(&mut self, v: L, p: usize, end: usize) {
        let outputs = self.outputs();
        let mut o = 0;
        if V < 8 && L::REGISTERS >= 32 {
            while o + TALLEST_OF_32 <= outputs {
                self.tile::<L, RECTIFY, TALLEST_OF_32, V>(v, o, p, end);
                o += TALLEST_OF_32;
            }
        } else if V < 8 {
            while o + TALLEST_OF_16 <= outputs {
                self.tile::<L, RECTIFY, TALLEST_OF_16, V>(v, o, p, end);
                o += TALLEST_OF_16;
            }
        }
        while V < 8 && o + 4 <= outputs {
            self.tile::<L, RECTIFY, 4, V>(v, o, p, end);
            o += 4;
        }
        while V < 8 && o + 2 <= outputs {
            self.tile::<L, RECTIFY, 2, V>(v, o, p, end);
            o += 2;
        }
        while o < outputs {
            self.tile::<L, RECTIFY, 1, V>(v, o, p, end);
            o += 1;
        }
    }

    #[inline(always)]
    fn outputs(&self) -> usize {
        self.weights.len() / self.reads.len()
    }

    /// `O` outputs from `o` on at `V` vectors of positions from `p` on; positions before `end` are stored.
    #[inline(always)]
    #[expect(
        clippy::needless_range_loop,
        reason = "indices that the compiler knows keep the sums in registers"
    )]
    fn tile<L: Lanes, const RECTIFY: bool, const O: usize, const V: usize>(
        &mut self,
        v: L,
        o: usize,
        p: usize,
        end: usize,
    ) {
        let mut sums = self.sums::<L, RECTIFY, O, V>(v, o, p);
        let plane = self.frame.plane();
        let first = o * plane + p;
        let len = V * L::WIDTH;
        if let Some(positive) = self.positive {
            if !self.near.beside {
                ask_for::<L, O, V>(v, positive, first, plane);
            }
            let zero = v.splat(0.0);
            for i in 0..O {
                let mask = &positive[first + i * plane..][..len];
                for j in 0..V {
                    sums[i][j] = v.select_less(zero, v.load(&mask[j * L::WIDTH..]), sums[i][j], zero);
                }
            }
        }
        let onto = match self.onto {
            Onto::Nothing => None,
            // It is asked for as the destination.
            Onto::Itself => Some(&*self.dst),
            Onto::Planes(planes) => {
                if !self.near.beside {
                    ask_for::<L, O, V>(v, planes, first, plane);
                }
                Some(planes)
            }
        };
        if let Some(onto) = onto {
            for i in 0..O {
                let onto = &onto[first + i * plane..][..len];
                for j in 0..V {
                    sums[i][j] = v.add(v.load(&onto[j * L::WIDTH..]), sums[i][j]);
                }
            }
        }
        if !self.near.dst {
            for i in 0..O {
                for j in 0..V {
                    v.prefetch_to_write(self.dst, first + i * plane + (AHEAD * V + j) * L::WIDTH);
                }
            }
        }
        let there = len.min(end - p);
        for i in 0..O {
            let dst = &mut self.dst[first + i * plane..][..there];
            if there == len {
                for j in 0..V {
                    v.store(&mut dst[j * L::WIDTH..], sums[i][j]);
                }
            } else {
                for (dst, &sum) in dst.chunks_mut(L::WIDTH).zip(sums[i].iter()) {
                    v.store_first(dst, sum);
                }
            }
        }
    }

    #[inline(always)]
    fn sums<L: Lanes, const RECTIFY: bool, const O: usize, const V: usize>(
        &self,
        v: L,
        o: usize,
        p: usize,
    ) -> [[L::F32; V]; O] {
        let zero = v.splat(0.0);
        // The tiles of different outputs ask for different vectors of the same sources, if there are enough tiles.
        let tallest = if L::REGISTERS >= 32 { TALLEST_OF_32 } else { TALLEST_OF_16 };
        let few = self.outputs() <= (V - 1) * tallest;
        let ahead = (AHEAD * V + if few { 0 } else { o / tallest % V }) * L::WIDTH;
        let mut sums = [[zero; V]; O];
        if let Some(bias) = self.bias {
            for (sums, &bias) in sums.iter_mut().zip(&bias[o..o + O]) {
                *sums = [v.splat(bias); V];
            }
        }
        for (read, weights) in self.reads.iter().zip(self.weights.chunks_exact(self.outputs())) {
            let src = &self.src[(p as isize + read) as usize..][..V * L::WIDTH];
            v.prefetch(src, ahead);
            if few {
                for vector in 1..V {
                    v.prefetch(src, ahead + vector * L::WIDTH);
                }
            }
            let mut pixels = [zero; V];
            for (i, pixels) in pixels.iter_mut().enumerate() {
                *pixels = v.load(&src[i * L::WIDTH..]);
                if RECTIFY {
                    *pixels = v.max(*pixels, zero);
                }
            }
            let weights = &weights[o..o + O];
            for i in 0..O {
                let weight = v.splat(weights[i]);
                for j in 0..V {
                    sums[i][j] = v.mul_add(weight, pixels[j], sums[i][j]);
                }
            }
        }
        sums
    }
}

/// Asks for what a later tile reads of planes, as this one does from `first` on.
#[inline(always)]
fn ask_for<L: Lanes, const O: usize, const V: usize>(v: L, src: &[f32], first: usize, plane: usize) {
    for i in 0..O {
        for j in 0..V {
            v.prefetch(src, first + i * plane + (AHEAD * V + j) * L::WIDTH);
        }
    }
}
