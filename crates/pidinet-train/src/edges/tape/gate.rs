//! A map times a gate, which is one plane for all channels; forward and backward.

use pidinet_kernels::planes::Frame;

use super::rows::each_row;

/// `dst = x · gate`.
pub(super) fn forward(x: &[f32], gate: &[f32], frame: Frame, dst: &mut [f32]) {
    each_row(frame, dst, |plane, at, row| {
        let x = &x[plane * frame.plane()..][at.clone()];
        for ((dst, x), gate) in row.iter_mut().zip(x).zip(&gate[at]) {
            *dst = x * gate;
        }
    });
}

/// The gradient of the gate, from that of the result; added to `dst` if something `is_there`.
pub(super) fn gate_gradient(x: &[f32], gradient: &[f32], frame: Frame, is_there: bool, dst: &mut [f32]) {
    if !is_there {
        dst.fill(0.0);
    }
    let planes = x.chunks_exact(frame.plane());
    for (x, gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
        for ((dst, x), g) in dst.iter_mut().zip(x).zip(gradient) {
            *dst += x * g;
        }
    }
}

/// The gradient of the map, from that of the result; added to `dst` if something `is_there`.
pub(super) fn map_gradient(gate: &[f32], gradient: &[f32], frame: Frame, is_there: bool, dst: &mut [f32]) {
    let planes = dst.chunks_exact_mut(frame.plane());
    for (dst, gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
        for ((dst, gate), g) in dst.iter_mut().zip(gate).zip(gradient) {
            *dst = if is_there { *dst } else { 0.0 } + gate * g;
        }
    }
}
