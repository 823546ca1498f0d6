//! A map times a gate, which is one plane for all channels.

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
