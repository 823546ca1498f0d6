//! One training sample.

/// An image and its labels, ready for the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Normalised, `[3, h, w]`.
    pub image: Vec<f32>,
    /// `[h, w]`, see [`Label`].
    pub labels: Vec<f32>,
    /// The teacher's map, if there is a teacher.
    pub lesson: Option<Lesson>,
    /// The name of the image.
    pub name: String,
}

/// A teacher's map of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Probabilities `[h, w]` in `[0, 1]`; [`IGNORED`] outside the image.
    pub map: Vec<f32>,
    /// How much it counts, see [`crate::edges::loss::Loss::teach`].
    pub trust: f32,
}

/// Labels as they are stored: what the annotators say about each pixel.
///
/// 0 is no boundary, and values in `(0, 1]` are the share of annotators who see one; [`IGNORED`] pixels do
/// not count in the loss.
pub type Label = f32;

/// A pixel that counts neither as boundary nor as background: outside the picture, or doubtful.
pub const IGNORED: Label = -1.0;
