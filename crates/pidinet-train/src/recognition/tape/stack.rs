//! How the maps of a shard lie in memory: all images of a channel on top of each other in one framed plane.

use std::ops::Range;

use pidinet_kernels::planes::Frame;

/// The planes of a shard: `images` maps of `height × width`, `frame.border` rows of zeros between them.
///
/// A kernel that works on planes sees one tall map. What it computes for the rows between images is
/// meaningless, and [`Stack::clear`] makes it zero again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Images of the shard.
    pub images: usize,
    /// Rows of each.
    pub height: usize,
    /// Columns of each.
    pub width: usize,
    /// The tall map.
    pub frame: Frame,
}

impl Stack {
    /// A stack whose maps have `border` zeros on each side.
    pub fn new(images: usize, height: usize, width: usize, border: usize) -> Self {
        let frame = Frame { height: images * (height + border) - border, width, border };
        Self { images, height, width, frame }
    }

    /// Elements of a plane.
    pub fn plane(&self) -> usize {
        self.frame.plane()
    }

    /// Pixels of all images.
    pub fn count(&self) -> usize {
        self.images * self.height * self.width
    }

    /// Position of the first pixel of row `y` of an image.
    pub fn row(&self, image: usize, y: usize) -> usize {
        self.frame.row(image * (self.height + self.frame.border) + y)
    }

    /// The pixels of row `y` of an image.
    pub fn pixels(&self, image: usize, y: usize) -> Range<usize> {
        let start = self.row(image, y);
        start..start + self.width
    }

    /// All rows of pixels, image by image.
    pub fn rows(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let stack = *self;
        (0..stack.images).flat_map(move |image| (0..stack.height).map(move |y| stack.pixels(image, y)))
    }

    /// From the first pixel to the last, including the zeros between them.
    pub fn span(&self) -> Range<usize> {
        self.frame.start()..self.frame.start() + self.frame.len()
    }

    /// Sets everything between the pixels of a plane to zero.
    pub fn clear(&self, plane: &mut [f32]) {
        let mut end = 0;
        for row in self.rows() {
            plane[end..row.start].fill(0.0);
            end = row.end;
        }
        plane[end..].fill(0.0);
    }

    /// Calls `each` with the number of a channel and its planes in `dst` and `src`, which have the same
    /// layout.
    pub(super) fn each_plane(
        &self,
        dst: &mut [f32],
        src: &[f32],
        mut each: impl FnMut(usize, &mut [f32], &[f32]),
    ) {
        let planes = dst.chunks_exact_mut(self.plane()).zip(src.chunks_exact(self.plane())).enumerate();
        planes.for_each(|(channel, (dst, src))| each(channel, dst, src));
    }

    /// `dst = f(src)` in a plane, zero between pixels.
    pub(super) fn map(&self, dst: &mut [f32], src: &[f32], f: impl Fn(f32) -> f32) {
        for (dst, &src) in dst[self.span()].iter_mut().zip(&src[self.span()]) {
            *dst = f(src);
        }
        self.clear(dst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clearing_leaves_the_pixels_and_nothing_else() {
        for border in 0..3 {
            let stack = Stack::new(3, 2, 5, border);
            let mut plane = vec![1.0; stack.plane()];
            stack.clear(&mut plane);
            assert_eq!(plane.iter().sum::<f32>(), stack.count() as f32);
            for row in stack.rows() {
                assert_eq!(plane[row], [1.0; 5]);
            }
            let span = stack.span();
            assert_eq!(plane[span].iter().sum::<f32>(), stack.count() as f32);
        }
    }
}
