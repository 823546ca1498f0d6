//! The sigmoid of every pixel, forward and backward.

use pidinet_kernels::planes::Frame;

use super::rows::each_row;

/// `1 / (1 + exp(−x))`.
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// `dst = sigmoid(x)`.
pub(super) fn forward(x: &[f32], frame: Frame, dst: &mut [f32]) {
    each_row(frame, dst, |plane, at, row| {
        for (dst, x) in row.iter_mut().zip(&x[plane * frame.plane()..][at]) {
            *dst = sigmoid(*x);
        }
    });
}

/// The gradient of `x`, from that of its sigmoid and the sigmoid itself; added to `dst` if something `is_there`.
pub(super) fn backward(sigmoid: &[f32], gradient: &[f32], is_there: bool, dst: &mut [f32]) {
    for ((dst, g), s) in dst.iter_mut().zip(gradient).zip(sigmoid) {
        *dst = if is_there { *dst } else { 0.0 } + g * s * (1.0 - s);
    }
}
