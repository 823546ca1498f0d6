//! Convolutions, and the gradients of their weights, biases and arguments.

use std::ops::Range;

use pidinet_kernels::Isa;
use pidinet_kernels::planes::{Correlate, Frame, Mix, Near, Onto};

use super::geometry::Reads;
use super::nodes::ConvOp;
use super::packed::PackedConv;

/// A convolution with its weights and the layout of its maps.
pub(super) struct Conv<'a> {
    pub(super) isa: Isa,
    pub(super) op: &'a ConvOp,
    pub(super) packed: &'a PackedConv,
    pub(super) reads: &'a Reads,
    pub(super) frame: Frame,
}

impl Conv<'_> {
    /// `dst = Σ weights · x + bias + onto`.
    pub(super) fn forward(&self, x: &[f32], onto: Option<&[f32]>, dst: &mut [f32]) {
        let Self { isa, op, packed, reads, frame } = *self;
        let plane = frame.plane();
        // Channels that share their reads: all of them, or each alone.
        let (inputs, outputs) = if op.depthwise { (1, 1) } else { (op.inputs, op.outputs) };
        for first in (0..op.outputs).step_by(outputs) {
            let taps = op.taps() * inputs * outputs;
            Mix {
                src: &x[if op.depthwise { first * plane } else { 0 }..],
                reads: &reads.forward,
                weights: &packed.forward[if op.depthwise { first * taps } else { 0 }..][..taps],
                bias: packed.bias.as_ref().map(|bias| &bias[first..first + outputs]),
                onto: onto.map_or(Onto::Nothing, |onto| Onto::Planes(&onto[first * plane..])),
                dst: &mut dst[first * plane..(first + outputs) * plane],
                frame,
                rows: 0..frame.height,
                rectify: op.rectify,
                positive: None,
                near: Near::default(),
            }
            .run_on(isa);
        }
    }

    /// Gradients of the packed forward weights, and the gradient of `x`, which is added to `dst` if something
    /// is there.
    ///
    /// Works strip by strip: the gradient of `x` comes first, as it asks for what it reads ahead of time, and
    /// leaves it in the cache for the gradients of the weights.
    pub(super) fn gradients(
        &self,
        x: &[f32],
        gradient: &[f32],
        mut dst: Option<(bool, &mut [f32])>,
    ) -> Vec<f32> {
        let mut sums = vec![0.0; self.packed.forward.len()];
        for rows in self.strips() {
            if let Some((is_there, dst)) = &mut dst {
                self.input_gradient(x, gradient, rows.clone(), *is_there, dst);
            }
            self.weight_gradient(x, gradient, rows, &mut sums);
        }
        sums
    }

    /// The rows of each strip. Convolutions with several taps are bound by arithmetic, not memory, and take
    /// all rows at once.
    fn strips(&self) -> impl Iterator<Item = Range<usize>> {
        let planes = if self.op.pointwise() { 2 * self.op.inputs + self.op.outputs } else { 0 };
        strips(self.frame, planes)
    }

    /// Adds the gradients from some rows to those of the packed forward weights.
    fn weight_gradient(&self, x: &[f32], gradient: &[f32], rows: Range<usize>, sums: &mut [f32]) {
        let Self { isa, op, reads, frame, .. } = *self;
        let (plane, reads, rectify) = (frame.plane(), &reads.forward, op.rectify);
        if op.depthwise {
            for (channel, sums) in sums.chunks_exact_mut(op.taps()).enumerate() {
                let (src, gradient) = (&x[channel * plane..], &gradient[channel * plane..]);
                Correlate { src, reads, gradient, sums, frame, rows: rows.clone(), rectify }.run_on(isa);
            }
        } else {
            Correlate { src: x, reads, gradient, sums, frame, rows, rectify }.run_on(isa);
        }
    }

    /// Adds the gradient of each bias.
    pub(super) fn bias_gradient(&self, gradient: &[f32], sums: &mut [f32]) {
        let frame = self.frame;
        for (sum, plane) in sums.iter_mut().zip(gradient.chunks_exact(frame.plane())) {
            *sum += (0..frame.height).map(|y| total(&plane[frame.pixels(y)])).sum::<f64>() as f32;
        }
    }

    /// The gradient of some rows of `x`; added to `dst` if something `is_there`.
    fn input_gradient(
        &self,
        x: &[f32],
        gradient: &[f32],
        rows: Range<usize>,
        is_there: bool,
        dst: &mut [f32],
    ) {
        let Self { isa, op, packed, reads, frame } = *self;
        let plane = frame.plane();
        let groups = if op.depthwise { op.inputs } else { 1 };
        let inputs = op.inputs / groups;
        let weights = packed.backward.len() / groups;
        for group in 0..groups {
            let first = group * inputs * plane;
            Mix {
                src: &gradient[first..],
                reads: &reads.backward,
                weights: &packed.backward[group * weights..][..weights],
                bias: None,
                onto: if is_there { Onto::Itself } else { Onto::Nothing },
                dst: &mut dst[first..][..inputs * plane],
                frame,
                rows: rows.clone(),
                rectify: false,
                positive: op.rectify.then(|| &x[first..]),
                near: Near::default(),
            }
            .run_on(isa);
        }
    }
}

/// Rows of so many planes that the cache holds them; all rows of no planes.
pub(super) fn strips(frame: Frame, planes: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    /// Floats in a second-level cache of 1 MiB. The same on every machine, since strips decide how gradients are
    /// rounded.
    const FLOATS: usize = 1 << 18;
    /// With fewer positions, the sums of a tile of weights' gradients take longer to add up than to compute.
    const POSITIONS: usize = 640;
    let (height, stride) = (frame.height, frame.stride());
    let rows = FLOATS.checked_div(stride * planes).map(|rows| rows.max(POSITIONS.div_ceil(stride)));
    let step = rows.unwrap_or(height).max(1);
    (0..height).step_by(step).map(move |y| y..(y + step).min(height))
}

/// The sum of a row, as eight independent sums that do not wait for each other.
fn total(row: &[f32]) -> f64 {
    let (eights, rest) = row.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for eight in eights {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += value;
        }
    }
    f64::from(sums.iter().chain(rest).sum::<f32>())
}
