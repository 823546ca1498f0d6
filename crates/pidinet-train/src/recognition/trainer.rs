//! Training a recognition network: gradients of a batch, and the optimiser.

use pidinet::arch::recognition::RecognitionArch;

use super::batch::Batch;
use super::recogniser::Recogniser;
use super::tape::Mode;
use crate::device::Device;
use crate::learner::Learner;
use crate::optimizer::Adam;
use crate::{Parameters, Result};

/// A recognition network that learns.
#[derive(Debug)]
pub struct Trainer {
    network: Box<dyn Recogniser>,
    /// What is binary, and what replaces the gradient of a sign.
    pub mode: Mode,
    /// Its parameters.
    pub learner: Learner,
}

impl Trainer {
    /// A network with random weights that follow from `seed`, on a device.
    pub fn new(arch: &RecognitionArch, seed: u64, device: &dyn Device, mode: Mode) -> Self {
        let learner = Learner::new(Parameters::of_recognition(arch), seed);
        Self { network: device.recogniser(arch), mode, learner }
    }

    /// The sum of the images' losses and the gradient of their mean. Batch norms update their running
    /// moments.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn differentiate(&mut self, batch: &Batch) -> Result<(f64, Vec<f32>)> {
        let mode = Mode { running: false, ..self.mode };
        self.network.differentiate(mode, &mut self.learner.parameters, batch)
    }

    /// One step of the optimiser with this learning rate.
    pub fn step(&mut self, adam: &Adam, rate: f64, gradients: &[f32]) {
        self.learner.step(adam, rate, gradients);
    }

    /// The logits `[n, classes]` of images `[n, 3, h, w]`, as at inference.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn logits(&mut self, images: &[f32], size: (usize, usize)) -> Result<Vec<f32>> {
        let mode = Mode { running: true, ..self.mode };
        self.network.logits(mode, &self.learner.parameters, images, size)
    }
}
