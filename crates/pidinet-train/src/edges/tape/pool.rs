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
    if !is_there && (src_frame.height % 2 == 1 || src_frame.width % 2 == 1) {
        // Pixels that belong to no four.
        dst.fill(0.0);
    }
    let planes = src.chunks_exact(src_frame.plane()).zip(dst.chunks_exact_mut(src_frame.plane()));
    for ((src, dst), gradient) in planes.zip(gradient.chunks_exact(frame.plane())) {
        for y in 0..frame.height {
            let [upper, lower] =
                [2 * y, 2 * y + 1].map(|y| src_frame.row(y)..src_frame.row(y) + 2 * frame.width);
            let values = [&src[upper.clone()], &src[lower.clone()]];
            let Ok(rows) = dst.get_disjoint_mut([upper, lower]) else { unreachable!("rows do not overlap") };
            let gradient = &gradient[frame.pixels(y)];
            if is_there {
                row(values, gradient, rows, |sum, term| sum + term);
            } else {
                row(values, gradient, rows, |_, term| term);
            }
        }
    }
}

/// Two rows of gradients from one of the maxima, where `add` makes a gradient of what is there and what comes.
#[inline]
fn row(values: [&[f32]; 2], gradient: &[f32], rows: [&mut [f32]; 2], add: impl Fn(f32, f32) -> f32) {
    let count = gradient.len();
    let [upper, lower] = values.map(|row| &row.as_chunks::<2>().0[..count]);
    let [above, below] = rows.map(|row| &mut row.as_chunks_mut::<2>().0[..count]);
    let greater = |a: f32, b: f32| if a < b { b } else { a };
    // Indices and no branch, so that the compiler makes vectors of it.
    for x in 0..count {
        let ([a, b], [c, d], gradient) = (upper[x], lower[x], gradient[x]);
        let up = if greater(a, b) < greater(c, d) { 0.0 } else { gradient };
        let [left, lower_left] = [if a < b { 0.0 } else { up }, if c < d { 0.0 } else { gradient - up }];
        above[x] = [add(above[x][0], left), add(above[x][1], up - left)];
        below[x] = [add(below[x][0], lower_left), add(below[x][1], gradient - up - lower_left)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_four_gets_the_gradient_and_the_odd_rest_nothing() {
        let (src_frame, frame) =
            (Frame { height: 3, width: 5, border: 1 }, Frame { height: 1, width: 2, border: 1 });
        let mut src = vec![0.0; src_frame.plane()];
        src[src_frame.pixels(0)].copy_from_slice(&[1.0, 2.0, -3.0, -1.0, 9.0]);
        src[src_frame.pixels(1)].copy_from_slice(&[2.0, 0.0, -1.0, -2.0, 9.0]);
        src[src_frame.pixels(2)].fill(9.0);
        let mut gradient = vec![0.0; frame.plane()];
        gradient[frame.pixels(0)].copy_from_slice(&[0.5, -4.0]);
        for is_there in [false, true] {
            let mut dst = vec![0.0; src_frame.plane()];
            (0..3).for_each(|y| dst[src_frame.pixels(y)].fill(1.0));
            backward(&src, src_frame, &gradient, frame, is_there, &mut dst);
            let before = f32::from(u8::from(is_there));
            let mut want = [[before; 5]; 3];
            want[0][1] += 0.5;
            want[0][3] -= 4.0;
            let rows: Vec<&[f32]> = (0..3).map(|y| &dst[src_frame.pixels(y)]).collect();
            assert_eq!(rows, want, "something is there: {is_there}");
        }
    }
}
