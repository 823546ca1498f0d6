//! What a device computes for a recognition network.

use std::fmt::Debug;

use super::batch::Batch;
use super::tape::Mode;
use crate::Result;

/// Share of the latest batch in the running means and variances.
pub const MOMENTUM: f32 = 0.1;

/// A recognition network without its parameters: they are passed with every call, in the order of
/// [`crate::Parameters`].
pub trait Recogniser: Debug + Send {
    /// The sum of the images' losses and the gradient of their mean, with batch norms that use the batch's
    /// moments. The running means and variances move towards those of the batch.
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
