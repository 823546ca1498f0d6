//! The answer: a map of edge probabilities.

use pidinet_kernels::rows::resize::Axis;

use crate::{Error, Result, Size};

/// Probability in `[0, 1]` that a pixel is an edge, `[h, w]` row by row, of the image's size.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeMap {
    size: Size,
    data: Vec<f32>,
}

impl EdgeMap {
    /// A map from its pixels, row by row.
    ///
    /// # Panics
    ///
    /// If `data` does not hold as many pixels as `size`.
    pub fn new(size: Size, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), size.pixels(), "a map of {size} has a different number of pixels");
        Self { size, data }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.size.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.size.height
    }

    /// Rows and columns.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The pixels, row by row.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The pixels, row by row, to change.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Fails unless every value is a number: nothing else may be written.
    pub(crate) fn check(&self) -> Result<()> {
        match self.data.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(Error::MapNotFinite {
                x: at % self.size.width,
                y: at / self.size.width,
                value: self.data[at],
            }),
            None => Ok(()),
        }
    }

    /// The pixels of row `y`.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.size.width..][..self.size.width]
    }

    /// The pixels, taken out.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// The part of this size at the upper left.
    ///
    /// # Panics
    ///
    /// If the map is smaller.
    #[must_use]
    pub fn cropped(&self, size: Size) -> Self {
        let Size { height, width } = size;
        assert!(width <= self.size.width && height <= self.size.height, "the part is larger than the map");
        let rows = (0..height).flat_map(|y| &self.row(y)[..width]);
        Self::new(size, rows.copied().collect())
    }

    /// The map at another size, bilinear without antialiasing (half-pixel centres).
    ///
    /// # Panics
    ///
    /// If a side of the map is 0 and the same side of the result is not.
    #[must_use]
    pub fn resized(&self, size: Size) -> Self {
        let Size { height, width } = size;
        if size.pixels() == 0 {
            return Self::new(size, Vec::new());
        }
        let (rows, columns) = (Axis::new(self.size.height, height), Axis::new(self.size.width, width));
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            let row = rows.at(y);
            let (upper, lower) = (self.row(row.first), self.row(row.second));
            data.extend((0..width).map(|x| {
                let column = columns.at(x);
                let blend = |row: &[f32]| {
                    row[column.first] + (row[column.second] - row[column.first]) * column.weight
                };
                let (upper, lower) = (blend(upper), blend(lower));
                upper + (lower - upper) * row.weight
            }));
        }
        Self::new(size, data)
    }

    /// The sum of two maps of one size.
    ///
    /// # Panics
    ///
    /// If the sizes differ.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        assert_eq!(self.size(), other.size(), "maps of two sizes");
        self.data.iter_mut().zip(&other.data).for_each(|(sum, value)| *sum += value);
        self
    }

    /// The map in 8 bits: `floor(255 v)`, as the published maps were written.
    pub fn to_u8(&self) -> Vec<u8> {
        self.data().iter().map(|&value| byte(value)).collect()
    }

    /// The map in 16 bits: `floor(65535 v)`.
    pub fn to_u16(&self) -> Vec<u16> {
        self.data().iter().map(|&value| (value * 65535.0) as u16).collect() // truncates and saturates
    }
}

/// A probability in 8 bits: `floor(255 p)`.
pub(crate) fn byte(probability: f32) -> u8 {
    (probability * 255.0) as u8 // truncates and saturates
}
