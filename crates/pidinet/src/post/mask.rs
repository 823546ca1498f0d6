//! A binary image, 64 pixels to a word: the result of thresholds, and what thinning and matching work on.

use std::ops::BitOrAssign;

use crate::{EdgeMap, Size};

/// A set of pixels of a `height` × `width` image.
///
/// Row `y` is `width.div_ceil(64)` words; pixel `x` is bit `x % 64` of word `x / 64`. The bits beyond the width are 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    width: usize,
    height: usize,
    words: Vec<u64>,
}

impl Mask {
    /// The empty set of pixels of an image of this size.
    pub fn new(size: Size) -> Self {
        let Size { height, width } = size;
        Self { width, height, words: vec![0; width.div_ceil(64) * height] }
    }

    /// The pixels `(x, y)` for which `contains` is true.
    pub fn from_fn(size: Size, mut contains: impl FnMut(usize, usize) -> bool) -> Self {
        let mut mask = Self::new(size);
        for y in 0..size.height {
            for x in 0..size.width {
                if contains(x, y) {
                    mask.insert(x, y);
                }
            }
        }
        mask
    }

    /// The pixels whose probability is `threshold` or more.
    ///
    /// # Examples
    ///
    /// ```
    /// use pidinet::{EdgeMap, Size, post::Mask};
    ///
    /// let map = EdgeMap::new(Size { height: 1, width: 3 }, vec![0.2, 0.5, 0.9]);
    /// let edges = Mask::at_least(&map, 0.5);
    /// assert_eq!(edges.pixels().collect::<Vec<_>>(), [(1, 0), (2, 0)]);
    /// ```
    pub fn at_least(map: &EdgeMap, threshold: f32) -> Self {
        let mut mask = Self::new(map.size());
        for y in 0..map.height() {
            for (word, pixels) in mask.row_mut(y).iter_mut().zip(map.row(y).chunks(64)) {
                *word = pixels.iter().rev().fold(0, |word, &p| word << 1 | u64::from(p >= threshold));
            }
        }
        mask
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Rows and columns.
    pub fn size(&self) -> Size {
        Size { height: self.height, width: self.width }
    }

    /// Number of pixels in the set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set has no pixel.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Whether pixel `(x, y)` is in the set.
    pub fn contains(&self, x: usize, y: usize) -> bool {
        assert!(x < self.width, "column {x} of a mask {} wide", self.width);
        self.row(y)[x / 64] >> (x % 64) & 1 == 1
    }

    /// Puts pixel `(x, y)` into the set.
    pub fn insert(&mut self, x: usize, y: usize) {
        assert!(x < self.width, "column {x} of a mask {} wide", self.width);
        self.row_mut(y)[x / 64] |= 1 << (x % 64);
    }

    /// Takes pixel `(x, y)` out of the set.
    pub fn remove(&mut self, x: usize, y: usize) {
        assert!(x < self.width, "column {x} of a mask {} wide", self.width);
        self.row_mut(y)[x / 64] &= !(1 << (x % 64));
    }

    /// The pixels `(x, y)` of the set, row by row.
    pub fn pixels(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.height).flat_map(move |y| bits(self.row(y)).map(move |x| (x, y)))
    }

    /// The pixels that are not in `other`, a mask of the same size.
    pub fn without(&self, other: &Self) -> Self {
        assert_eq!((self.width, self.height), (other.width, other.height), "masks differ in size");
        let words = self.words.iter().zip(&other.words).map(|(&here, &there)| here & !there).collect();
        Self { words, ..*self }
    }

    /// The words of row `y`.
    pub fn row(&self, y: usize) -> &[u64] {
        let stride = self.stride();
        &self.words[y * stride..][..stride]
    }

    /// The words of row `y`, to change within the module: whoever writes keeps the spare bits 0.
    pub(super) fn row_mut(&mut self, y: usize) -> &mut [u64] {
        let stride = self.stride();
        &mut self.words[y * stride..][..stride]
    }

    /// Words a row.
    fn stride(&self) -> usize {
        self.width.div_ceil(64)
    }
}

/// Adds the pixels of another mask of the same size.
impl BitOrAssign<&Mask> for Mask {
    fn bitor_assign(&mut self, other: &Mask) {
        assert_eq!((self.width, self.height), (other.width, other.height), "masks differ in size");
        for (word, &more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }
}

/// The positions of the 1 bits in a row of words, lowest first.
fn bits(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(at, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            left &= left.checked_sub(1)?;
            Some(at * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_keeps_equal_values_and_clears_spare_bits() {
        for width in [1, 63, 64, 65, 130] {
            let map =
                EdgeMap::new(Size { height: 3, width }, (0..width * 3).map(|i| i as f32 / 10.0).collect());
            let mask = Mask::at_least(&map, 1.0);
            assert_eq!(mask, Mask::from_fn(Size { height: 3, width }, |x, y| y * width + x >= 10));
            assert_eq!(mask.count(), (width * 3usize).saturating_sub(10));
        }
    }

    #[test]
    fn pixels_come_back_in_order() {
        let kept = |x: usize, y: usize| (x * 7 + y * 5).is_multiple_of(3);
        let mask = Mask::from_fn(Size { height: 4, width: 131 }, kept);
        let want: Vec<_> =
            (0..4).flat_map(|y| (0..131).map(move |x| (x, y))).filter(|&(x, y)| kept(x, y)).collect();
        assert_eq!(mask.pixels().collect::<Vec<_>>(), want);
        let mut other = Mask::new(Size { height: 4, width: 131 });
        for (x, y) in mask.pixels() {
            other.insert(x, y);
        }
        other |= &mask;
        assert_eq!(other, mask);
        assert!(mask.without(&other).is_empty());
        for (x, y) in mask.pixels() {
            other.remove(x, y);
        }
        assert!(other.is_empty());
        assert_eq!(mask.without(&other), mask);
    }
}
