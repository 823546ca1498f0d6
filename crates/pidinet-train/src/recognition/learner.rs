//! One step after the other: gradients of a batch, the optimiser, and what batch norms saw.

use pidinet::arch::recognition::RecognitionArch;

use super::batch::Batch;
use super::recogniser::Recogniser;
use super::tape::{Mode, Tape};
use crate::Result;
use crate::device::Device;
use crate::optimizer::{Adam, State};
use crate::random::generator;

/// Purpose of random numbers, see [`generator`].
const WEIGHTS: u64 = 0;

/// A network for recognition that learns.
#[derive(Debug)]
pub struct Learner {
    tape: Tape,
    /// What has one bit, and what stands for the gradient of a sign.
    pub mode: Mode,
    /// The values of all parameters.
    pub parameters: Vec<f32>,
    /// What the optimiser remembers.
    pub state: State,
    fixed: Vec<bool>,
    network: Box<dyn Recogniser>,
}

impl Learner {
    /// A network with random weights that follow from `seed`, and where it computes.
    pub fn new(arch: &RecognitionArch, seed: u64, device: &dyn Device, mode: Mode) -> Self {
        let tape = Tape::new(arch);
        let parameters = tape.init(&mut generator(seed, WEIGHTS, 0));
        let network = device.recogniser(arch);
        Self { state: State::new(&parameters), fixed: tape.fixed(), network, mode, parameters, tape }
    }

    /// The network.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The sum of the images' losses and the gradient of their mean. Batch norms take note of the batch.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn differentiate(&mut self, batch: &Batch) -> Result<(f64, Vec<f32>)> {
        let mode = Mode { running: false, ..self.mode };
        self.network.differentiate(mode, &mut self.parameters, batch)
    }

    /// One step of the optimiser.
    pub fn step(&mut self, adam: &Adam, rate: f64, gradients: &[f32]) {
        adam.step(rate as f32, gradients, &self.fixed, &mut self.parameters, &mut self.state);
    }

    /// The logits `[n, classes]` of images `[n, 3, h, w]`, as at inference.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn logits(&mut self, images: &[f32], size: (usize, usize)) -> Result<Vec<f32>> {
        let mode = Mode { running: true, ..self.mode };
        self.network.logits(mode, &self.parameters, images, size)
    }
}
