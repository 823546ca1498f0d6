//! Pooling, forward and backward: the greatest pixel of a window, the mean of one, the mean of a map.

use super::stack::Stack;

/// The greatest pixel of each 3×3 window, two pixels apart.
pub(super) fn max(src: &[f32], from: &Stack, to: &Stack, dst: &mut [f32]) {
    each_window(dst, src, to, from, |image, y, x, plane| {
        let best = greatest(from, image, y, x, plane);
        plane[best]
    });
}

/// Adds each gradient to the greatest pixel of its window, the first if several are equal.
pub(super) fn max_gradient(src: &[f32], from: &Stack, gradient: &[f32], to: &Stack, dst: &mut [f32]) {
    each_gradient(dst, gradient, to, from, |channel, [image, y, x], g, dst| {
        let src = &src[channel * from.plane()..][..from.plane()];
        dst[greatest(from, image, y, x, src)] += g;
    });
}

/// The mean of the pixels of each 2×2 window that are inside the map.
pub(super) fn average(src: &[f32], from: &Stack, to: &Stack, dst: &mut [f32]) {
    each_window(dst, src, to, from, |image, y, x, plane| {
        let (places, share) = window(from, image, y, x);
        places.map(|place| plane[place]).sum::<f32>() * share
    });
}

/// Divides each gradient among the pixels of its window.
pub(super) fn average_gradient(from: &Stack, gradient: &[f32], to: &Stack, dst: &mut [f32]) {
    each_gradient(dst, gradient, to, from, |_, [image, y, x], g, dst| {
        let (places, share) = window(from, image, y, x);
        places.for_each(|place| dst[place] += g * share);
    });
}

/// The mean of each plane of an image.
pub(super) fn global(src: &[f32], from: &Stack, to: &Stack, dst: &mut [f32]) {
    each_window(dst, src, to, from, |image, _, _, plane| {
        let rows = (0..from.height).flat_map(|y| &plane[from.pixels(image, y)]);
        (rows.map(|&x| f64::from(x)).sum::<f64>() / (from.height * from.width) as f64) as f32
    });
}

/// Divides each gradient among all pixels of its plane.
pub(super) fn global_gradient(from: &Stack, gradient: &[f32], to: &Stack, dst: &mut [f32]) {
    let share = 1.0 / (from.height * from.width) as f32;
    each_gradient(dst, gradient, to, from, |_, [image, ..], g, dst| {
        for y in 0..from.height {
            dst[from.pixels(image, y)].iter_mut().for_each(|dst| *dst += g * share);
        }
    });
}

/// Computes every pixel of every plane from its image, row, column, and the plane of `src`.
fn each_window(
    dst: &mut [f32],
    src: &[f32],
    to: &Stack,
    from: &Stack,
    pixel: impl Fn(usize, usize, usize, &[f32]) -> f32,
) {
    for (dst, src) in dst.chunks_exact_mut(to.plane()).zip(src.chunks_exact(from.plane())) {
        for image in 0..to.images {
            for y in 0..to.height {
                for (x, dst) in dst[to.pixels(image, y)].iter_mut().enumerate() {
                    *dst = pixel(image, y, x, src);
                }
            }
        }
    }
}

/// Calls `each` for every pixel of `gradient` with its channel, its image, row and column, its value, and the
/// plane of the channel in `dst`.
fn each_gradient(
    dst: &mut [f32],
    gradient: &[f32],
    to: &Stack,
    from: &Stack,
    each: impl Fn(usize, [usize; 3], f32, &mut [f32]),
) {
    let planes = dst.chunks_exact_mut(from.plane()).zip(gradient.chunks_exact(to.plane()));
    for (channel, (dst, gradient)) in planes.enumerate() {
        for image in 0..to.images {
            for y in 0..to.height {
                for (x, &g) in gradient[to.pixels(image, y)].iter().enumerate() {
                    each(channel, [image, y, x], g, dst);
                }
            }
        }
    }
}

/// The pixels inside the map of a 2×2 window, and the share of each.
fn window(from: &Stack, image: usize, y: usize, x: usize) -> (impl Iterator<Item = usize> + use<>, f32) {
    let (rows, columns) = ((from.height - 2 * y).min(2), (from.width - 2 * x).min(2));
    let (start, stride) = (from.row(image, 2 * y) + 2 * x, from.frame.stride());
    let places = (0..rows).flat_map(move |dy| (0..columns).map(move |dx| start + dy * stride + dx));
    (places, 1.0 / (rows * columns) as f32)
}

/// The position of the greatest pixel of a 3×3 window, the first if several are equal.
fn greatest(from: &Stack, image: usize, y: usize, x: usize, plane: &[f32]) -> usize {
    let (rows, columns) = (2 * y..2 * y + 3, 2 * x..2 * x + 3);
    let inside = |i: usize, len: usize| (1..=len).contains(&i).then(|| i - 1);
    let rows = rows.filter_map(|y| inside(y, from.height));
    let places = rows.flat_map(|y| {
        columns.clone().filter_map(move |x| inside(x, from.width)).map(move |x| from.row(image, y) + x)
    });
    places
        .reduce(|best, place| if plane[place] > plane[best] { place } else { best })
        .expect("a window has its centre")
}
