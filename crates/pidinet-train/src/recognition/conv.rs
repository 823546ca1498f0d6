//! Convolutions of a batch, and both halves of their gradients.
//!
//! ```text
//! x --gather--> views (signs, or the pixels of one parity) --Mix--> y
//! ```
//!
//! Views are ordered by view, then by channel.

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
        let (signs, stride, inputs) = (self.signs(), self.op.stride, self.op.inputs);
        let each = |(number, dst): (usize, &mut [f32])| {
            let src = &x[number % inputs * self.from.plane()..][..self.from.plane()];
            let view = self.op.views[number / inputs];
            for (row, image, y) in self.rows() {
                let dst = &mut dst[row];
                let first = self.pixels(image, y, view.first);
                let first = src[first..].iter().step_by(stride);
                match view.second {
                    Some(second) => {
                        let second = src[self.pixels(image, y, second)..].iter().step_by(stride);
                        for ((dst, a), b) in dst.iter_mut().zip(first).zip(second) {
                            *dst = if signs { sign(a - b) } else { a - b };
                        }
                    }
                    None if signs => {
                        dst.iter_mut().zip(first).for_each(|(dst, &x)| *dst = sign(x));
                        // Outside of the map a sign is 0.
                        let rows = self.from.height.saturating_sub(stride * y + view.first.0 as usize);
                        let columns = (self.from.width - view.first.1 as usize).div_ceil(stride);
                        dst[if rows == 0 { 0 } else { columns.min(self.to.width) }..].fill(0.0);
                    }
                    None => dst.iter_mut().zip(first).for_each(|(dst, &x)| *dst = x),
                }
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
                for (row, image, y) in self.rows() {
                    let gradients = &views[row];
                    let first = self.pixels(image, y, view.first);
                    let Some(second) = view.second else {
                        let places = dst[first..].iter_mut().zip(&src[first..]).step_by(stride);
                        for ((dst, &x), g) in places.zip(gradients) {
                            *dst += slope(x) * g;
                        }
                        continue;
                    };
                    let second = self.pixels(image, y, second);
                    for (i, g) in gradients.iter().enumerate() {
                        let (a, b) = (first + stride * i, second + stride * i);
                        let g = slope(src[a] - src[b]) * g;
                        dst[a] += g;
                        dst[b] -= g;
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

    /// Rows of the output: their place, image and number.
    fn rows(&self) -> impl Iterator<Item = (std::ops::Range<usize>, usize, usize)> + use<> {
        let to = self.to;
        (0..to.images).flat_map(move |image| (0..to.height).map(move |y| (to.pixels(image, y), image, y)))
    }

    /// Where in a plane of `x` the view's pixel for the first column of output row `y` lies.
    fn pixels(&self, image: usize, y: usize, (down, right): (isize, isize)) -> usize {
        (self.from.row(image, self.op.stride * y) as isize + self.from.frame.distance(down, right)) as usize
    }
}

/// Outputs that one thread computes at a time. Results do not depend on it.
fn group(outputs: usize) -> usize {
    outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(8)
}
