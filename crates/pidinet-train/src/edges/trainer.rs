//! One step after the other: gradients of a batch, and the optimiser.

use std::sync::atomic::AtomicBool;

use pidinet::arch::Arch;
use pidinet::weights::{Form, Model, ModelInfo};

use super::loss::Loss;
use super::network::{Fixed, Network};
use super::sample::Sample;
use crate::device::Device;
use crate::optimizer::{Adam, State};
use crate::random::generator;
use crate::{Error, Parameters, Result};

/// Purpose of random numbers, see [`generator`].
const WEIGHTS: u64 = 0;

/// A network that learns.
#[derive(Debug)]
pub struct Trainer {
    arch: Arch,
    network: Box<dyn Network>,
    layout: Parameters,
    /// The values of all parameters.
    pub parameters: Vec<f32>,
    /// What the optimiser remembers.
    pub state: State,
    frozen: Vec<bool>,
}

impl Trainer {
    /// A network with random weights that follow from `seed`.
    pub fn new(arch: &Arch, seed: u64, device: &dyn Device) -> Self {
        let layout = Parameters::of(arch);
        let parameters = layout.init(&mut generator(seed, WEIGHTS, 0));
        Self {
            arch: arch.clone(),
            network: device.network(arch),
            state: State::new(&parameters),
            frozen: vec![false; parameters.len()],
            parameters,
            layout,
        }
    }

    /// Takes the weights of a model, for fine-tuning.
    ///
    /// # Errors
    ///
    /// If its architecture is another one, or its differences are folded.
    pub fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.parameters = self.layout.values(model)?;
        self.state = State::new(&self.parameters);
        Ok(())
    }

    /// Keeps the parameters as they are whose names start with one of `prefixes`; returns how many tensors.
    pub fn freeze(&mut self, prefixes: &[String]) -> usize {
        let mut count = 0;
        for tensor in self.layout.tensors() {
            if prefixes.iter().any(|prefix| tensor.name.starts_with(prefix.as_str())) {
                self.frozen[tensor.range.clone()].fill(true);
                count += 1;
            }
        }
        count
    }

    /// The sum of the samples' losses and the gradient of the sum, divided by `divisor`.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn differentiate(&self, loss: &Loss, samples: &[Sample], divisor: f32) -> Result<(f64, Vec<f32>)> {
        self.network.differentiate(&self.parameters, loss, samples, divisor)
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
        self.network.differentiate_until(stop, &self.parameters, loss, samples, divisor)
    }

    /// One step with this learning rate; `average` is the decay of the averaged weights.
    pub fn step(&mut self, adam: &Adam, rate: f64, average: f32, gradients: &[f32]) {
        adam.step(rate as f32, gradients, &self.frozen, &mut self.parameters, &mut self.state);
        self.state.average(average, &self.parameters);
    }

    /// The network with the averaged weights, to be measured.
    pub fn averaged(&self) -> Box<dyn Fixed + '_> {
        self.network.fixed(&self.state.average)
    }

    /// The averaged weights as a model.
    pub fn model(&self, info: ModelInfo) -> Model {
        let weights = self.layout.weights(&self.state.average);
        Model { arch: self.arch.clone(), form: Form::Raw, weights, info, calibration: None }
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
