//! Training step by step: gradients of a batch, and the optimiser.

use std::sync::atomic::AtomicBool;

use pidinet::arch::Arch;
use pidinet::weights::{Form, Model, ModelInfo};

use super::loss::Loss;
use super::network::{Fixed, Network};
use super::sample::Sample;
use crate::device::Device;
use crate::learner::Learner;
use crate::optimizer::Adam;
use crate::{Error, Parameters, Result};

/// A network that learns.
#[derive(Debug)]
pub struct Trainer {
    arch: Arch,
    network: Box<dyn Network>,
    /// Its parameters.
    pub learner: Learner,
}

impl Trainer {
    /// A network with random weights that follow from `seed`.
    pub fn new(arch: &Arch, seed: u64, device: &dyn Device) -> Self {
        let learner = Learner::new(Parameters::of(arch), seed);
        Self { arch: arch.clone(), network: device.network(arch), learner }
    }

    /// Takes the weights of a model, for fine-tuning.
    ///
    /// # Errors
    ///
    /// If its architecture is different, or its differences are folded.
    pub fn start_from(&mut self, model: &Model) -> Result<(), String> {
        let parameters = self.learner.layout().values(model)?;
        self.learner.start_from(parameters);
        Ok(())
    }

    /// The sum of the samples' losses and the gradient of the sum, divided by `divisor`.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn differentiate(&self, loss: &Loss, samples: &[Sample], divisor: f32) -> Result<(f64, Vec<f32>)> {
        self.network.differentiate(&self.learner.parameters, loss, samples, divisor)
    }

    /// [`Self::differentiate`]; `None` if `stop` becomes true.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn differentiate_until(
        &self,
        stop: &AtomicBool,
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<Option<(f64, Vec<f32>)>> {
        self.network.differentiate_until(stop, &self.learner.parameters, loss, samples, divisor)
    }

    /// One step with this learning rate; `average` is the decay of the averaged weights.
    pub fn step(&mut self, adam: &Adam, rate: f64, average: f32, gradients: &[f32]) {
        self.learner.step(adam, rate, gradients);
        self.learner.average(average);
    }

    /// The network with the averaged weights, to be measured.
    pub fn averaged(&self) -> Box<dyn Fixed + '_> {
        self.network.fixed(&self.learner.state.average)
    }

    /// The averaged weights as a model.
    pub fn model(&self, info: ModelInfo) -> Model {
        Model {
            arch: self.arch.clone(),
            form: Form::Raw,
            weights: self.learner.averaged(),
            info,
            calibration: None,
        }
    }
}

/// The error for a loss that is not a number.
pub(crate) fn check_loss(loss: f64, gradients: &[f32], step: u64, samples: &[Sample]) -> Result<()> {
    if loss.is_finite() && gradients.iter().all(|gradient| gradient.is_finite()) {
        return Ok(());
    }
    let images = samples.iter().map(|sample| sample.name.clone()).collect();
    Err(Error::Diverged { loss: if loss.is_finite() { f64::NAN } else { loss }, step, images })
}
