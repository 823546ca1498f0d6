//! A bias for each channel, forward and backward.

use super::stack::Stack;
use super::sums::{add, sum};

/// `dst = x + bias` in a plane.
pub(super) fn forward(bias: f32, x: &[f32], dst: &mut [f32], stack: &Stack) {
    stack.map(dst, x, |x| x + bias);
}

/// Adds the gradient of the argument in a plane to `dst`; returns that of the bias.
pub(super) fn backward(gradient: &[f32], dst: &mut [f32], stack: &Stack) -> f32 {
    add(dst, gradient);
    sum(&gradient[stack.span()], |g| g) as f32
}
