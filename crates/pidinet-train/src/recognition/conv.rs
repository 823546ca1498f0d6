//! Convolutions of a batch, and both halves of their gradients.
//!
//! ```text
//! x --gather--> views (signs, or the pixels of one parity) --Mix--> y
//! ```
//!
//! Views are ordered by view, then by channel.

use std::ops::Range;

use pidinet_kernels::Isa;
use pidinet_kernels::planes::{Correlate, Mix, Onto};
use rayon::prelude::*;

use super::signs::{CLAMP, sign};
use super::stack::Stack;
use super::tape::{ConvOp, Mode, Tap, View};

/// A convolution and how its maps lie.
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

    /// Whether pixels are convolved as they are.
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
        let each = |(number, dst): (usize, &mut [f32])| {
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
                        // Outside of the map a sign is 0.
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
        };
        views.par_chunks_mut(self.to.plane()).enumerate().for_each(each);
    }

    /// Adds to the gradient of `x` what those of its views say.
    pub(super) fn scatter(&self, x: &[f32], views: &[f32], gradient: &mut [f32]) {
        let (signs, stride, inputs) = (self.signs(), self.op.stride, self.op.inputs);
        let straight = self.mode.straight;
        let slope = |x: f32| if signs { straight.slope(x) } else { 1.0 };
        let each = |(channel, dst): (usize, &mut [f32])| {
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
                    // What the differences pass on goes to two places that may overlap: one after the other.
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
        };
        gradient.par_chunks_mut(self.from.plane()).enumerate().for_each(each);
    }

    /// `y = Σ weights · views + bias`.
    pub(super) fn convolve(&self, weights: &[f32], bias: Option<&[f32]>, views: &[f32], y: &mut [f32]) {
        let ConvOp { inputs, outputs, .. } = *self.op;
        let taps = self.op.taps.len();
        let reads = self
            .reads(|tap, input| self.place(tap) + ((tap.view * inputs + input) * self.to.plane()) as isize);
        // [inputs, taps, outputs]
        let mut packed = vec![0.0; weights.len()];
        for (o, kernels) in weights.chunks_exact(inputs * taps).enumerate() {
            for (k, &weight) in kernels.iter().enumerate() {
                packed[k * outputs + o] = self.weight(weight);
            }
        }
        self.mix(views, &reads, &packed, bias, outputs, y);
    }

    /// Gradients of the views, from those of `y`.
    pub(super) fn view_gradient(&self, weights: &[f32], y: &[f32], views: &mut [f32]) {
        let ConvOp { inputs, outputs, .. } = *self.op;
        let taps = self.op.taps.len();
        let parts = views.chunks_exact_mut(inputs * self.to.plane());
        for (view, part) in parts.enumerate() {
            let own: Vec<usize> = (0..taps).filter(|&tap| self.op.taps[tap].view == view).collect();
            let mut reads = Vec::with_capacity(own.len() * outputs);
            let mut packed = Vec::with_capacity(own.len() * outputs * inputs);
            for o in 0..outputs {
                for &tap in &own {
                    reads.push((o * self.to.plane()) as isize - self.place(&self.op.taps[tap]));
                    packed.extend((0..inputs).map(|i| self.weight(weights[(o * inputs + i) * taps + tap])));
                }
            }
            self.mix(y, &reads, &packed, None, inputs, part);
        }
    }

    /// Adds the gradients of weights.
    pub(super) fn weight_gradient(&self, weights: &[f32], views: &[f32], y: &[f32], gradients: &mut [f32]) {
        let ConvOp { inputs, outputs, .. } = *self.op;
        let taps = self.op.taps.len();
        let reads = self
            .reads(|tap, input| self.place(tap) + ((tap.view * inputs + input) * self.to.plane()) as isize);
        let group = group(outputs);
        let rows = inputs * taps;
        let clamped = self.op.binary && self.mode.precision.weights();
        let each = |(number, (gradients, weights)): (usize, (&mut [f32], &[f32]))| {
            let count = gradients.len() / rows;
            let mut sums = vec![0.0; gradients.len()];
            Correlate {
                src: views,
                reads: &reads,
                gradient: &y[number * group * self.to.plane()..][..count * self.to.plane()],
                sums: &mut sums,
                frame: self.to.frame,
                rows: 0..self.to.frame.height,
                rectify: false,
            }
            .run_on(self.isa);
            for (i, (gradient, weight)) in gradients.iter_mut().zip(weights).enumerate() {
                if !clamped || weight.abs() <= CLAMP {
                    *gradient += sums[i % rows * count + i / rows];
                }
            }
        };
        let parts = gradients.par_chunks_mut(group * rows).zip(weights.par_chunks(group * rows));
        parts.enumerate().for_each(each);
    }

    /// Weighted sums of planes, the outputs shared out among threads.
    fn mix(
        &self,
        src: &[f32],
        reads: &[isize],
        weights: &[f32],
        bias: Option<&[f32]>,
        outputs: usize,
        dst: &mut [f32],
    ) {
        let (group, plane) = (group(outputs), self.to.plane());
        let each = |(number, dst): (usize, &mut [f32])| {
            let first = number * group;
            let own = first..first + dst.len() / plane;
            let weights: Vec<f32> =
                weights.chunks_exact(outputs).flat_map(|row| &row[own.clone()]).copied().collect();
            Mix {
                src,
                reads,
                weights: &weights,
                bias: bias.map(|bias| &bias[own.clone()]),
                onto: Onto::Nothing,
                dst,
                frame: self.to.frame,
                rows: 0..self.to.frame.height,
                rectify: false,
                positive: None,
            }
            .run_on(self.isa);
            dst.chunks_exact_mut(plane).for_each(|plane| self.to.clear(plane));
        };
        dst.par_chunks_mut(group * plane).enumerate().for_each(each);
    }

    /// Where in a plane of views the pixel of a tap lies.
    fn place(&self, tap: &Tap) -> isize {
        self.to.frame.distance(tap.offset.0, tap.offset.1)
    }

    fn reads(&self, read: impl Fn(&Tap, usize) -> isize) -> Vec<isize> {
        (0..self.op.inputs)
            .flat_map(|input| self.op.taps.iter().map(move |tap| (tap, input)))
            .map(|(tap, input)| read(tap, input))
            .collect()
    }

    /// The weight that counts.
    fn weight(&self, weight: f32) -> f32 {
        if self.op.binary && self.mode.precision.weights() { sign(weight) } else { weight }
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

    /// Output columns whose pixel of a view is inside the map.
    fn columns(&self, view: &View) -> usize {
        (self.from.width - view.first.1 as usize).div_ceil(self.op.stride)
    }

    /// The position of the pixel so many rows down and columns right.
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
    /// Where it is.
    to: Range<usize>,
    /// Where its first pixel is in the input.
    from: usize,
    /// Rows of the input's map from there on.
    rows: usize,
}

/// Gradients of differences that are worked out in one go.
const PART: usize = 64;

/// Outputs that one thread computes at a time. Results do not depend on it.
fn group(outputs: usize) -> usize {
    outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(8)
}
