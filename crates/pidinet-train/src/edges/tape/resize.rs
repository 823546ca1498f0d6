//! Bilinear resizing to the size of the image (half-pixel centres), forward and backward.
//!
//! Rows of the source become wide first, each once, and are then mixed for all rows between two of them.

use pidinet_kernels::planes::Frame;

/// How a level is resized to the image.
#[derive(Clone, Debug)]
pub(super) struct Resize {
    src: Frame,
    dst: Frame,
    rows: Vec<Between>,
    columns: Vec<Between>,
}

/// A position between two pixels of the source.
#[derive(Clone, Copy, Debug)]
struct Between {
    first: usize,
    second: usize,
    /// Weight of the second.
    share: f32,
}

/// For each of `dst` positions, where it lies among the `src` ones.
fn positions(src: usize, dst: usize) -> Vec<Between> {
    let scale = src as f32 / dst as f32;
    let position = |at: usize| {
        let at = ((at as f32 + 0.5) * scale - 0.5).max(0.0);
        let first = (at as usize).min(src - 1);
        Between { first, second: (first + 1).min(src - 1), share: at - first as f32 }
    };
    (0..dst).map(position).collect()
}

impl Resize {
    pub(super) fn new(src: Frame, dst: Frame) -> Self {
        Self { src, dst, rows: positions(src.height, dst.height), columns: positions(src.width, dst.width) }
    }

    /// Resizes every plane to the size of the image.
    pub(super) fn forward(&self, src: &[f32], dst: &mut [f32]) {
        let width = self.dst.width;
        let mut wide = vec![0.0; self.src.height * width];
        let planes = src.chunks_exact(self.src.plane()).zip(dst.chunks_exact_mut(self.dst.plane()));
        for (src, dst) in planes {
            for (y, wide) in wide.chunks_exact_mut(width).enumerate() {
                let src = &src[self.src.pixels(y)];
                for (wide, column) in wide.iter_mut().zip(&self.columns) {
                    let (a, b) = (src[column.first], src[column.second]);
                    *wide = a + column.share * (b - a);
                }
            }
            for (y, row) in self.rows.iter().enumerate() {
                let [first, second] = [row.first, row.second].map(|y| &wide[y * width..][..width]);
                for ((dst, a), b) in dst[self.dst.pixels(y)].iter_mut().zip(first).zip(second) {
                    *dst = a + row.share * (b - a);
                }
            }
        }
    }

    /// The gradient with respect to the source, from that of the result; added to `src` if something
    /// `is_there`.
    pub(super) fn backward(&self, dst: &[f32], is_there: bool, src: &mut [f32]) {
        if !is_there {
            src.fill(0.0);
        }
        let width = self.dst.width;
        let mut wide = vec![0.0; self.src.height * width];
        let planes = dst.chunks_exact(self.dst.plane()).zip(src.chunks_exact_mut(self.src.plane()));
        for (dst, src) in planes {
            wide.fill(0.0);
            for (y, row) in self.rows.iter().enumerate() {
                let gradient = &dst[self.dst.pixels(y)];
                for (from, share) in [(row.first, 1.0 - row.share), (row.second, row.share)] {
                    for (wide, gradient) in wide[from * width..][..width].iter_mut().zip(gradient) {
                        *wide += share * gradient;
                    }
                }
            }
            for (y, wide) in wide.chunks_exact(width).enumerate() {
                let src = &mut src[self.src.pixels(y)];
                for (wide, column) in wide.iter().zip(&self.columns) {
                    src[column.first] += (1.0 - column.share) * wide;
                    src[column.second] += column.share * wide;
                }
            }
        }
    }
}
