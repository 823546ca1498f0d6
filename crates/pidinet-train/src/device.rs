//! Where a network computes: its losses, its gradients, its maps.
//!
//! All else of a run is the same everywhere and works on plain numbers: data, optimiser, average,
//! checkpoints, validation. A network has under a million parameters, so handing them over at every step
//! costs little beside the step.

use std::fmt::Debug;
use std::sync::atomic::AtomicBool;

use pidinet::arch::Arch;
use pidinet::arch::recognition::RecognitionArch;

use crate::Result;
use crate::data::augment::Sample;
use crate::loss::Loss;
use crate::recognition::learner::Batch;
use crate::recognition::tape::Mode;

pub mod check;
mod cpu;

pub use cpu::Cpu;

/// A place where networks can be trained.
pub trait Device: Debug + Sync {
    /// What it is called in messages.
    fn name(&self) -> &str {
        "the device"
    }

    /// The network of this architecture, ready to compute.
    fn network(&self, arch: &Arch) -> Box<dyn Network>;

    /// The network for recognition of this architecture, ready to compute.
    fn recogniser(&self, arch: &RecognitionArch) -> Box<dyn Recogniser>;
}

/// A network without its parameters: they come with every call, as [`crate::Parameters`] orders them.
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

    /// [`Self::differentiate`]; `None` if `stop` becomes true before all samples are begun, where the device looks.
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

    /// The network with parameters that stay, to run on many samples.
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

/// A network for recognition without its parameters: they come with every call, as
/// [`Tape::tensors`](crate::recognition::tape::Tape::tensors) orders them.
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
