//! The answer: a map of edge probabilities.

/// Probability in `[0, 1]` that a pixel is an edge, `[h, w]` row by row, of the image's size.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeMap {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl EdgeMap {
    /// A map from its pixels, row by row.
    ///
    /// # Panics
    ///
    /// If `data` does not hold `width * height` pixels.
    pub fn new(width: usize, height: usize, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), width * height, "a map of {width}x{height} has another number of pixels");
        Self { width, height, data }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, row by row.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The pixels, row by row, to change.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The pixels of row `y`.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..][..self.width]
    }

    /// The pixels, taken out.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
}
