//! Convolutions of a shard of a batch, and both halves of their gradients.
//!
//! ```text
//! x --gather--> views (signs, or the pixels of one parity) --Mix--> y
//! ```
//!
//! Views are ordered by view, then by channel.

use std::ops::Range;

use pidinet_kernels::Isa;
use pidinet_kernels::planes::{Correlate, Mix, Near, Onto};

use super::stack::Stack;
use super::{ConvOp, Mode, Tap, View};
use crate::recognition::signs::{CLAMP, sign};

/// A convolution and the layout of its maps.
pub(super) struct Conv<'a> {
    pub(super) isa: Isa,
    pub(super) mode: Mode,
    pub(super) op: &'a ConvOp,
    pub(super) from: Stack,
    pub(super) to: Stack,
}

impl Conv<'_> {
    fn signs(&self) -> bool {
        self.op.binary && self.mode.precision.signs()
    }

    /// Whether pixels are convolved unchanged.
    pub(super) fn is_plain(&self) -> bool {
        self.op.views == [View { first: (0, 0), second: None }] && self.op.stride == 1 && !self.signs()
    }

    /// Planes of the views.
    pub(super) fn planes(&self) -> usize {
        self.op.views.len() * self.op.inputs
    }

    /// Fills the views of `x`, the planes of the input channels.
    pub(super) fn gather(&self, x: &[f32], views: &mut [f32]) {
        let (signs, inputs) = (self.signs(), self.op.inputs);
        for (number, dst) in views.chunks_exact_mut(self.to.plane()).take(self.planes()).enumerate() {
            let src = &x[number % inputs * self.from.plane()..][..self.from.plane()];
            let view = self.op.views[number / inputs];
            for run in self.runs() {
                let dst = &mut dst[run.to.clone()];
                let len = self.op.stride * (dst.len() - 1) + 1;
                let first = &src[self.shifted(run.from, view.first)..][..len];
                let second = view.second.map(|second| &src[self.shifted(run.from, second)..][..len]);
                match (second, signs) {
                    (Some(second), true) => self.fill(dst, |i| if first[i] < second[i] { -1.0 } else { 1.0 }),
                    (Some(second), false) => self.fill(dst, |i| first[i] - second[i]),
                    (None, false) => self.fill(dst, |i| first[i]),
                    (None, true) => {
                        self.fill(dst, |i| sign(first[i]));
                        // Outside the map a sign is 0.
                        let inside = if run.rows > view.first.0 as usize { self.columns(&view) } else { 0 };
                        if self.op.stride > 1 {
                            dst[inside..].fill(0.0);
                        }
                    }
                }
            }
            if self.op.stride == 1 {
                self.to.clear(dst);
            }
        }
    }

    /// Adds the gradients of its views to the gradient of `x`.
    pub(super) fn scatter(&self, x: &[f32], views: &[f32], gradient: &mut [f32]) {
        let (signs, stride, inputs) = (self.signs(), self.op.stride, self.op.inputs);
        let straight = self.mode.straight;
        let slope = |x: f32| if signs { straight.slope(x) } else { 1.0 };
        for (channel, dst) in gradient.chunks_exact_mut(self.from.plane()).enumerate() {
            let src = &x[channel * self.from.plane()..][..self.from.plane()];
            for (number, view) in self.op.views.iter().enumerate() {
                let views = &views[(number * inputs + channel) * self.to.plane()..][..self.to.plane()];
                for run in self.runs() {
                    let mut gradients = views[run.to.clone()].iter();
                    let first = self.shifted(run.from, view.first);
                    let len = stride * (gradients.len() - 1) + 1;
                    let Some(second) = view.second else {
                        let places = dst[first..][..len].iter_mut().zip(&src[first..][..len]);
                        let add = |(dst, &x): (&mut f32, &f32), g: &f32| *dst += slope(x) * g;
                        match stride {
                            1 => places.zip(gradients).for_each(|(place, g)| add(place, g)),
                            _ => places.step_by(stride).zip(gradients).for_each(|(place, g)| add(place, g)),
                        }
                        continue;
                    };
                    let second = self.shifted(run.from, second);
                    // The gradients of differences go to two places that may overlap, so one after the other.
                    for start in (0..gradients.len()).step_by(PART) {
                        let mut passed = [0.0; PART];
                        let part = PART.min(gradients.len());
                        let (a, b) = (first + stride * start, second + stride * start);
                        let differences = (0..part).map(|i| src[a + stride * i] - src[b + stride * i]);
                        for ((passed, d), g) in passed.iter_mut().zip(differences).zip(&mut gradients) {
                            *passed = slope(d) * g;
                        }
                        for (i, passed) in passed[..part].iter().enumerate() {
                            dst[a + stride * i] += passed;
                        }
                        for (i, passed) in passed[..part].iter().enumerate() {
                            dst[b + stride * i] -= passed;
                        }
                    }
                }
            }
            self.from.clear(dst);
        }
    }

    /// `y = Σ weights · views + bias`; the weights are [packed](ConvOp::pack).
    pub(super) fn convolve(&self, weights: &[f32], bias: Option<&[f32]>, views: &[f32], y: &mut [f32]) {
        self.mix(views, &self.reads(), weights, bias, y);
    }

    /// Gradients of the views, from those of `y`; the weights are [packed for it](ConvOp::pack_transposed).
    pub(super) fn view_gradient(&self, mut weights: &[f32], y: &[f32], views: &mut [f32]) {
        let ConvOp { inputs, outputs, .. } = *self.op;
        for (view, part) in views.chunks_exact_mut(inputs * self.to.plane()).enumerate() {
            let own = self.op.taps.iter().filter(|tap| tap.view == view);
            let reads: Vec<isize> = (0..outputs)
                .flat_map(|o| own.clone().map(move |tap| (o * self.to.plane()) as isize - self.place(tap)))
                .collect();
            let now;
            (now, weights) = weights.split_at(reads.len() * inputs);
            self.mix(y, &reads, now, None, part);
        }
    }

    /// Adds the gradients of weights, in packed order.
    pub(super) fn weight_gradient(&self, views: &[f32], y: &[f32], sums: &mut [f32]) {
        Correlate {
            src: views,
            reads: &self.reads(),
            gradient: y,
            sums,
            frame: self.to.frame,
            rows: 0..self.to.frame.height,
            rectify: false,
        }
        .run_on(self.isa);
    }

    /// Weighted sums of planes.
    fn mix(&self, src: &[f32], reads: &[isize], weights: &[f32], bias: Option<&[f32]>, dst: &mut [f32]) {
        Mix {
            src,
            reads,
            weights,
            bias,
            onto: Onto::Nothing,
            dst: &mut *dst,
            frame: self.to.frame,
            rows: 0..self.to.frame.height,
            rectify: false,
            positive: None,
            near: Near::default(),
        }
        .run_on(self.isa);
        dst.chunks_exact_mut(self.to.plane()).for_each(|plane| self.to.clear(plane));
    }

    /// The position of a tap's pixel in a plane of views.
    fn place(&self, tap: &Tap) -> isize {
        self.to.frame.distance(tap.offset.0, tap.offset.1)
    }

    /// The positions of the weights' pixels in the views, input by input.
    fn reads(&self) -> Vec<isize> {
        let ConvOp { inputs, ref taps, .. } = *self.op;
        let plane = |tap: &Tap, input| ((tap.view * inputs + input) * self.to.plane()) as isize;
        (0..inputs)
            .flat_map(|input| taps.iter().map(move |tap| self.place(tap) + plane(tap, input)))
            .collect()
    }

    /// Pieces of the output whose pixels are evenly spaced in the input: all of it, or row by row.
    fn runs(&self) -> impl Iterator<Item = Run> + use<> {
        let (from, to, stride) = (self.from, self.to, self.op.stride);
        let images = if stride == 1 { 0 } else { to.images };
        let rows = move |image| {
            (0..to.height).map(move |y| Run {
                to: to.pixels(image, y),
                from: from.row(image, stride * y),
                rows: from.height - stride * y,
            })
        };
        let whole = Run { to: to.span(), from: from.frame.start(), rows: from.height };
        (stride == 1).then_some(whole).into_iter().chain((0..images).flat_map(rows))
    }

    /// Output columns whose pixel in a view is inside the map.
    fn columns(&self, view: &View) -> usize {
        (self.from.width - view.first.1 as usize).div_ceil(self.op.stride)
    }

    /// The position of the pixel this many rows down and columns right.
    fn shifted(&self, position: usize, (down, right): (isize, isize)) -> usize {
        (position as isize + self.from.frame.distance(down, right)) as usize
    }

    /// Fills a run from a function of places in the input.
    #[inline(always)]
    fn fill(&self, dst: &mut [f32], f: impl Fn(usize) -> f32) {
        match self.op.stride {
            1 => dst.iter_mut().enumerate().for_each(|(i, dst)| *dst = f(i)),
            stride => dst.iter_mut().enumerate().for_each(|(i, dst)| *dst = f(stride * i)),
        }
    }
}

/// A piece of the output.
struct Run {
    /// Its position in the output.
    to: Range<usize>,
    /// The position of its first pixel in the input.
    from: usize,
    /// Rows of the input's map from there on.
    rows: usize,
}

/// Gradients of differences that are computed at a time.
const PART: usize = 64;

impl ConvOp {
    /// Whether the signs of the weights are used instead of the weights.
    fn signed(&self, mode: Mode) -> bool {
        self.binary && mode.precision.weights()
    }

    /// The effective weights, `[inputs, taps, outputs]` from `[outputs, inputs, taps]`.
    pub(super) fn pack(&self, mode: Mode, weights: &[f32], packed: &mut Vec<f32>) {
        let rows = self.inputs * self.taps.len();
        packed.resize(weights.len(), 0.0);
        for (o, weights) in weights.chunks_exact(rows).enumerate() {
            for (packed, &weight) in packed[o..].iter_mut().step_by(self.outputs).zip(weights) {
                *packed = weight;
            }
        }
        self.count(mode, packed);
    }

    /// The effective weights, `[outputs, taps of the view, inputs]` for each view.
    pub(super) fn pack_transposed(&self, mode: Mode, weights: &[f32], packed: &mut Vec<f32>) {
        let taps = self.taps.len();
        packed.clear();
        for view in 0..self.views.len() {
            for weights in weights.chunks_exact(self.inputs * taps) {
                for (tap, _) in self.taps.iter().enumerate().filter(|(_, tap)| tap.view == view) {
                    packed.extend(weights[tap..].iter().step_by(taps));
                }
            }
        }
        self.count(mode, packed);
    }

    /// Turns weights into signs, if signs are used.
    fn count(&self, mode: Mode, weights: &mut [f32]) {
        if self.signed(mode) {
            weights.iter_mut().for_each(|weight| *weight = sign(*weight));
        }
    }

    /// Adds the gradients of weights, from [packed](Self::pack) sums.
    pub(super) fn unpack(&self, mode: Mode, weights: &[f32], packed: &[f32], gradients: &mut [f32]) {
        let (rows, clamped) = (self.inputs * self.taps.len(), self.signed(mode));
        let kernels = weights.chunks_exact(rows).zip(gradients.chunks_exact_mut(rows));
        for (o, (weights, gradients)) in kernels.enumerate() {
            let sums = packed[o..].iter().step_by(self.outputs);
            for ((gradient, weight), sum) in gradients.iter_mut().zip(weights).zip(sums) {
                if !clamped || weight.abs() <= CLAMP {
                    *gradient += sum;
                }
            }
        }
    }
}
