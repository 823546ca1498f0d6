//! What a device computes for an edge network.

use std::fmt::Debug;
use std::sync::atomic::AtomicBool;

use super::loss::Loss;
use super::sample::Sample;
use crate::Result;

/// A network without its parameters: they are passed with every call, in the order of [`crate::Parameters`].
pub trait Network: Debug + Send + Sync {
    /// The sum of the samples' losses, and the gradient of the sum divided by `divisor`.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn differentiate(
        &self,
        parameters: &[f32],
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<(f64, Vec<f32>)>;

    /// [`Self::differentiate`]; `None` if `stop` becomes true before all samples have been started, on
    /// devices that check it.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn differentiate_until(
        &self,
        _stop: &AtomicBool,
        parameters: &[f32],
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<Option<(f64, Vec<f32>)>> {
        self.differentiate(parameters, loss, samples, divisor).map(Some)
    }

    /// The network with fixed parameters, to run on many samples.
    fn fixed<'a>(&'a self, parameters: &[f32]) -> Box<dyn Fixed + 'a>;
}

/// A network with its parameters.
pub trait Fixed: Sync {
    /// The five maps `[h, w]` of a sample before their sigmoids: those of the sides, and fused.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn logits(&self, sample: &Sample) -> Result<[Vec<f32>; 5]>;
}
