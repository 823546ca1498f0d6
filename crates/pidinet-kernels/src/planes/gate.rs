//! The gradients of planes that were multiplied by a gate, one plane for all of them.

use super::frame::Frame;
use crate::lanes::floats::{Kernel, Lanes};

/// For `y[c][p] = gate[p] · x[c][p]`, `gate_gradient[p] (+)= Σ_c gradient[c][p] · x[c][p]` and
/// `x_gradient[c][p] (+)= gradient[c][p] · gate[p]`, in the frame, too.
///
/// # Panics
///
/// If there are fewer planes of `x` and `gradient` than of `x_gradient`, or a plane is shorter than the frame.
#[derive(Debug)]
pub struct GateGradient<'a> {
    /// The planes that were multiplied.
    pub x: &'a [f32],
    /// What they were multiplied by.
    pub gate: &'a [f32],
    /// The gradient of the product.
    pub gradient: &'a [f32],
    /// The layout of all planes.
    pub frame: Frame,
    /// Whether the gradients of `gate` and `x` are added to what is there.
    pub accumulate: [bool; 2],
    /// One plane.
    pub gate_gradient: &'a mut [f32],
    /// As many planes as `x` has.
    pub x_gradient: &'a mut [f32],
}

impl Kernel for GateGradient<'_> {
    type Output = ();

    // Of these plain loops the compiler makes vectors.
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { x, gate, gradient, frame, accumulate: [add_gate, add_x], gate_gradient, x_gradient } =
            self;
        let plane = frame.plane();
        let (gate, gate_gradient) = (&gate[..plane], &mut gate_gradient[..plane]);
        if !add_gate {
            gate_gradient.fill(0.0);
        }
        for (c, x_gradient) in x_gradient.chunks_exact_mut(plane).enumerate() {
            let (x, gradient) = (&x[c * plane..][..plane], &gradient[c * plane..][..plane]);
            if add_x {
                for p in 0..plane {
                    gate_gradient[p] += gradient[p] * x[p];
                    x_gradient[p] += gradient[p] * gate[p];
                }
            } else {
                for p in 0..plane {
                    gate_gradient[p] += gradient[p] * x[p];
                    x_gradient[p] = gradient[p] * gate[p];
                }
            }
        }
    }
}
