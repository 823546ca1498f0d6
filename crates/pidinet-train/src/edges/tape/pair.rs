//! A depthwise convolution and the 1x1 convolution that alone reads it, strip by strip.
//!
//! Both are bound by memory more than by arithmetic: this way each finds in the cache what the other has just
//! read or written.

use super::conv::{Conv, strips};

/// Two convolutions, the second of the first's output.
pub(super) struct Pair<'a> {
    pub(super) depthwise: Conv<'a>,
    pub(super) pointwise: Conv<'a>,
}

/// Where the gradient of the first convolution's argument belongs.
pub(super) enum Onto<'a> {
    /// The gradient of the pair's output becomes that of its argument, since the argument is also added to
    /// the output.
    Gradient,
    /// Another map; the flag says whether it already holds something.
    Map(bool, &'a mut [f32]),
}

impl Pair<'_> {
    /// The map between the two, and `dst`, the output with `onto` added.
    pub(super) fn forward(&self, x: &[f32], onto: Option<&[f32]>, between: &mut [f32], dst: &mut [f32]) {
        let planes = 2 * self.pointwise.op.inputs + self.pointwise.op.outputs;
        for rows in strips(self.pointwise.frame, planes) {
            self.depthwise.forward(x, None, rows.clone(), between);
            self.pointwise.forward(between, onto, rows, dst);
        }
    }

    /// Gradients of the packed weights of both, from that of the output; also that of the argument `x`, and,
    /// in passing, that of the map between.
    pub(super) fn gradients(
        &self,
        x: &[f32],
        between: &[f32],
        gradient: &mut [f32],
        between_gradient: &mut [f32],
        mut onto: Onto<'_>,
    ) -> [Vec<f32>; 2] {
        let Self { depthwise, pointwise } = self;
        let reach = depthwise.op.parts[0].taps.reach();
        let mut sums = [depthwise, pointwise].map(|conv| vec![0.0; conv.packed.forward.len()]);
        let [depthwise_sums, pointwise_sums] = &mut sums;
        let height = pointwise.frame.height;
        let mut done = 0;
        for rows in strips(pointwise.frame, 3 * pointwise.op.inputs + pointwise.op.outputs) {
            pointwise.input_gradient(between, gradient, rows.clone(), false, between_gradient);
            pointwise.weight_gradient(between, gradient, rows.clone(), pointwise_sums);
            depthwise.weight_gradient(x, between_gradient, rows.clone(), depthwise_sums);
            // The last rows need those below them.
            let ready = if rows.end == height { height } else { rows.end.saturating_sub(reach).max(done) };
            let (is_there, dst) = match &mut onto {
                Onto::Gradient => (true, &mut *gradient),
                Onto::Map(is_there, dst) => (*is_there, &mut **dst),
            };
            depthwise.input_gradient(x, between_gradient, done..ready, is_there, dst);
            done = ready;
        }
        sums
    }
}
