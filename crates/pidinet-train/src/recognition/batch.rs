//! One training batch.

/// A batch of images of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `[n, 3, h, w]`, normalised.
    pub images: Vec<f32>,
    /// Rows and columns of each.
    pub size: (usize, usize),
    /// A distribution over classes for each, `[n, classes]`.
    pub targets: Vec<f32>,
}
