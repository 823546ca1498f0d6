//! RPReLU: a shift, a slope below zero, a bias; forward and backward.

use super::stack::Stack;

/// `dst = t · (slope where t < 0) + bias` with `t = x + shift`, in a plane.
pub(super) fn forward([shift, slope, bias]: [f32; 3], x: &[f32], dst: &mut [f32], stack: &Stack) {
    stack.map(dst, x, |x| {
        let t = x + shift;
        t * if t < 0.0 { slope } else { 1.0 } + bias
    });
}

/// Adds the gradient of the argument in a plane to `dst`; returns those of shift, slope and bias.
pub(super) fn backward(
    [shift, slope]: [f32; 2],
    x: &[f32],
    gradient: &[f32],
    dst: &mut [f32],
    stack: &Stack,
) -> [f32; 3] {
    let (x, gradient, dst) = (&x[stack.span()], &gradient[stack.span()], &mut dst[stack.span()]);
    let mut sums = [0.0f64; 3];
    for ((x, g), dst) in x.chunks(256).zip(gradient.chunks(256)).zip(dst.chunks_mut(256)) {
        let mut part = [0.0f32; 3];
        for ((x, g), dst) in x.iter().zip(g).zip(dst) {
            let t = x + shift;
            let (factor, below) = if t < 0.0 { (slope, t) } else { (1.0, 0.0) };
            *dst += g * factor;
            part[0] += g * factor;
            part[1] += g * below;
            part[2] += g;
        }
        for (sum, part) in sums.iter_mut().zip(part) {
            *sum += f64::from(part);
        }
    }
    sums.map(|sum| sum as f32)
}
