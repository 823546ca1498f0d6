//! Convolutions, and the gradients of their weights, biases and arguments.

use pidinet_kernels::Isa;
use pidinet_kernels::planes::{Correlate, Frame, Mix, Onto};

use super::geometry::Reads;
use super::nodes::ConvOp;
use super::packed::PackedConv;

/// A convolution with its weights, and how its maps lie.
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
            }
            .run_on(isa);
        }
    }

    /// Gradients of the packed forward weights.
    pub(super) fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Self { isa, op, reads, frame, .. } = *self;
        let (plane, rows, reads) = (frame.plane(), 0..frame.height, &reads.forward);
        if !op.depthwise {
            let mut sums = vec![0.0; op.inputs * op.taps() * op.outputs];
            Correlate { src: x, reads, gradient, sums: &mut sums, frame, rows, rectify: op.rectify }
                .run_on(isa);
            return sums;
        }
        let mut sums = vec![0.0; op.taps() * op.outputs];
        for (channel, sums) in sums.chunks_exact_mut(op.taps()).enumerate() {
            Correlate {
                src: &x[channel * plane..],
                reads,
                gradient: &gradient[channel * plane..],
                sums,
                frame,
                rows: rows.clone(),
                rectify: op.rectify,
            }
            .run_on(isa);
        }
        sums
    }

    /// Adds the gradient of each bias.
    pub(super) fn bias_gradient(&self, gradient: &[f32], sums: &mut [f32]) {
        let frame = self.frame;
        for (sum, plane) in sums.iter_mut().zip(gradient.chunks_exact(frame.plane())) {
            *sum += (0..frame.height)
                .map(|y| f64::from(plane[frame.pixels(y)].iter().sum::<f32>()))
                .sum::<f64>() as f32;
        }
    }

    /// The gradient of `x`; added to `dst` if something `is_there`.
    pub(super) fn input_gradient(&self, x: &[f32], gradient: &[f32], is_there: bool, dst: &mut [f32]) {
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
                rows: 0..frame.height,
                rectify: false,
                positive: op.rectify.then(|| &x[first..]),
            }
            .run_on(isa);
        }
    }
}
