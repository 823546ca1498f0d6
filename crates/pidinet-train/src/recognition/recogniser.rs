//! What a device computes of a network for recognition.

use std::fmt::Debug;

use super::batch::Batch;
use super::tape::Mode;
use crate::Result;

/// Share of the latest batch in the means and variances that are kept for later.
pub const MOMENTUM: f32 = 0.1;

/// A network for recognition without its parameters: they come with every call, as
/// [`crate::Parameters`] orders them.
pub trait Recogniser: Debug + Send {
    /// The sum of the images' losses and the gradient of their mean, with batch norms by the batch. The means and
    /// variances that are kept for later move towards those of the batch.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn differentiate(&mut self, mode: Mode, parameters: &mut [f32], batch: &Batch)
    -> Result<(f64, Vec<f32>)>;

    /// The logits `[n, classes]` of images `[n, 3, h, w]` of `size`, rows and columns.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn logits(
        &mut self,
        mode: Mode,
        parameters: &[f32],
        images: &[f32],
        size: (usize, usize),
    ) -> Result<Vec<f32>>;
}
