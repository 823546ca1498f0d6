//! The largest of four pixels, forward and backward.

use pidinet_kernels::planes::Frame;

/// The largest of each 2×2 pixels of `src`, in every plane.
pub(super) fn forward(src: &[f32], src_frame: Frame, frame: Frame, dst: &mut [f32]) {
    let planes = src.chunks_exact(src_frame.plane()).zip(dst.chunks_exact_mut(frame.plane()));
    for (src, dst) in planes {
        for y in 0..frame.height {
            let (upper, lower) = (&src[src_frame.pixels(2 * y)], &src[src_frame.pixels(2 * y + 1)]);
            let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            for (dst, (&[a, b], &[c, d])) in dst[frame.pixels(y)].iter_mut().zip(pairs) {
                *dst = a.max(b).max(c.max(d));
            }
        }
    }
}

/// Adds each gradient to the largest of its four pixels, the first if there are several; `dst` is cleared before, unless
/// something `is_there`.
pub(super) fn backward(
    src: &[f32],
    src_frame: Frame,
    gradient: &[f32],
    frame: Frame,
    is_there: bool,
    dst: &mut [f32],
) {
    if !is_there {
        dst.fill(0.0);
    }
    let planes = src.chunks_exact(src_frame.plane()).zip(dst.chunks_exact_mut(src_frame.plane()));
    for ((src, dst), gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
        for y in 0..frame.height {
            let (upper, lower) = (src_frame.row(2 * y), src_frame.row(2 * y + 1));
            for (x, gradient) in gradient[frame.pixels(y)].iter().enumerate() {
                let places = [upper + 2 * x, upper + 2 * x + 1, lower + 2 * x, lower + 2 * x + 1];
                let mut largest = places[0];
                for place in places {
                    if src[place] > src[largest] {
                        largest = place;
                    }
                }
                dst[largest] += gradient;
            }
        }
    }
}
