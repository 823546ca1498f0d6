//! Where a network computes: its losses, its gradients, its maps.
//!
//! All else of a run is the same everywhere and works on plain numbers: data, optimiser, average,
//! checkpoints, validation. A network has under a million parameters, so handing them over at every step
//! costs little beside the step.

use std::fmt::Debug;

use pidinet::arch::Arch;

use crate::Result;
use crate::data::augment::Sample;
use crate::loss::Loss;

mod cpu;

pub use cpu::Cpu;

/// A place where networks can be trained.
pub trait Device: Debug + Sync {
    /// The network of this architecture, ready to compute.
    fn network(&self, arch: &Arch) -> Box<dyn Network>;
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
