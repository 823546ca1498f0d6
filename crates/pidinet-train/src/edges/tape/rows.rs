//! The rows of pixels of maps, which have gaps between them, and of images, which have none.

use std::ops::Range;

use pidinet_kernels::planes::Frame;

/// Calls `each` with the number of the plane, the position of a row in it, and the row.
pub(super) fn each_row(frame: Frame, map: &mut [f32], mut each: impl FnMut(usize, Range<usize>, &mut [f32])) {
    for (number, plane) in map.chunks_exact_mut(frame.plane()).enumerate() {
        for y in 0..frame.height {
            each(number, frame.pixels(y), &mut plane[frame.pixels(y)]);
        }
    }
}

/// Copies numbers; adds them to `dst` if something `is_there`.
pub(super) fn put(src: &[f32], is_there: bool, dst: &mut [f32]) {
    if is_there {
        for (sum, term) in dst.iter_mut().zip(src) {
            *sum += term;
        }
    } else {
        dst.copy_from_slice(src);
    }
}

/// Copies a map to one with another border; adds it to `dst` if something `is_there`.
pub(super) fn copy(src: &[f32], src_frame: Frame, is_there: bool, frame: Frame, dst: &mut [f32]) {
    let planes = src.chunks_exact(src_frame.plane()).zip(dst.chunks_exact_mut(frame.plane()));
    for (src, dst) in planes {
        for y in 0..frame.height {
            put(&src[src_frame.pixels(y)], is_there, &mut dst[frame.pixels(y)]);
        }
    }
}

/// Copies an image, planes `[h, w]` without gaps, to a map.
pub(super) fn load(image: &[f32], frame: Frame, dst: &mut [f32]) {
    let mut rows = image.chunks_exact(frame.width);
    each_row(frame, dst, |_, _, row| row.copy_from_slice(rows.next().expect("a row for each row")));
}

/// The pixels of a plane, `[h, w]` without gaps.
pub(super) fn unload(plane: &[f32], frame: Frame) -> Vec<f32> {
    let mut image = Vec::with_capacity(frame.height * frame.width);
    (0..frame.height).for_each(|y| image.extend_from_slice(&plane[frame.pixels(y)]));
    image
}
