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

/// Copies an image, planes `[h, w]` without gaps, to a map.
pub(super) fn load(image: &[f32], frame: Frame, dst: &mut [f32]) {
    let mut rows = image.chunks_exact(frame.width);
    each_row(frame, dst, |_, _, row| row.copy_from_slice(rows.next().expect("a row for each row")));
}

/// The pixels of a plane, `[h, w]` without gaps.
pub(super) fn unload(plane: &[f32], frame: Frame) -> Vec<f32> {
    (0..frame.height).flat_map(|y| plane[frame.pixels(y)].iter().copied()).collect()
}
