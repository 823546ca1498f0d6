//! The sigmoid of every pixel, forward and backward.

use pidinet_kernels::Isa;
use pidinet_kernels::planes::Frame;
use pidinet_kernels::rows::elementwise::{Extent, Sigmoid};
use pidinet_kernels::rows::row::{MARGIN, Row, RowMut};

/// `1 / (1 + exp(−x))`.
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// `dst = sigmoid(x)`. All rows of a plane, with the frame between them, are one long row to the kernel.
pub(super) fn forward(isa: Isa, x: &[f32], frame: Frame, dst: &mut [f32]) {
    let stride = frame.plane();
    let width = frame.len();
    let planes = x.chunks_exact(stride).zip(dst.chunks_exact_mut(stride));
    for (src, dst) in planes {
        // A gate comes from a convolution of several taps, so there is a border, and a margin's room before the first row.
        let from = frame.start() - MARGIN;
        let src = Row { data: &src[from..], stride };
        let extent = Extent { channels: 1, columns: 0..width, width };
        Sigmoid { src, extent, dst: RowMut { data: &mut dst[from..], stride } }.run_on(isa);
        frame.clear(dst, 0..frame.height);
    }
}

/// The gradient of `x`, from that of its sigmoid and the sigmoid itself; added to `dst` if something `is_there`.
pub(super) fn backward(sigmoid: &[f32], gradient: &[f32], is_there: bool, dst: &mut [f32]) {
    for ((dst, g), s) in dst.iter_mut().zip(gradient).zip(sigmoid) {
        *dst = if is_there { *dst } else { 0.0 } + g * s * (1.0 - s);
    }
}
