//! One step after the other: gradients of a batch, the optimiser, and what batch norms saw.

use pidinet::arch::binary::BiArch;
use pidinet_kernels::Isa;

use super::loss;
use super::shard::Workspace;
use super::tape::{Mode, Tape};
use crate::data::augment::generator;
use crate::optimizer::{Adam, State};

/// Purpose of random numbers, see [`generator`].
const WEIGHTS: u64 = 0;

/// Share of the latest batch in the means and variances that are kept for later.
const MOMENTUM: f32 = 0.1;

/// A batch of images of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `[n, 3, h, w]`, normalised.
    pub images: Vec<f32>,
    /// Rows and columns of each.
    pub size: (usize, usize),
    /// A distribution over classes for each, `[n, classes]`.
    pub targets: Vec<f32>,
}

/// A network for recognition that learns on the CPU. The result is the same for any number of threads.
#[derive(Debug)]
pub struct Learner {
    tape: Tape,
    isa: Isa,
    /// What has one bit, and what stands for the gradient of a sign.
    pub mode: Mode,
    /// The values of all parameters.
    pub parameters: Vec<f32>,
    /// What the optimiser remembers.
    pub state: State,
    fixed: Vec<bool>,
    space: Workspace,
}

impl Learner {
    /// A network with random weights that follow from `seed`.
    pub fn new(arch: &BiArch, seed: u64, isa: Isa, mode: Mode) -> Self {
        let tape = Tape::new(arch);
        let parameters = tape.init(&mut generator(seed, WEIGHTS, 0));
        Self {
            state: State::new(&parameters),
            fixed: tape.fixed(),
            space: Workspace::default(),
            isa,
            mode,
            parameters,
            tape,
        }
    }

    /// The network.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The sum of the images' losses and the gradient of their mean. Batch norms take note of the batch.
    pub fn differentiate(&mut self, batch: &Batch) -> (f64, Vec<f32>) {
        let mode = Mode { running: false, ..self.mode };
        let Self { tape, isa, parameters, space, .. } = self;
        tape.forward(*isa, mode, parameters, &batch.images, batch.size, space);
        let mut logits = tape.logits(space);
        let images = batch.images.len() / (3 * batch.size.0 * batch.size.1);
        let classes = logits.len() / images;
        let loss = loss::differentiate(&mut logits, &batch.targets, classes, 1.0 / images as f32);
        let mut gradients = vec![0.0; parameters.len()];
        tape.backward(*isa, mode, parameters, &logits, space, &mut gradients);
        tape.note(MOMENTUM, space, parameters);
        (loss, gradients)
    }

    /// One step of the optimiser.
    pub fn step(&mut self, adam: &Adam, rate: f64, gradients: &[f32]) {
        adam.step(rate as f32, gradients, &self.fixed, &mut self.parameters, &mut self.state);
    }

    /// The logits `[n, classes]` of images `[n, 3, h, w]`, as at inference.
    pub fn logits(&mut self, images: &[f32], size: (usize, usize)) -> Vec<f32> {
        let mode = Mode { running: true, ..self.mode };
        self.tape.forward(self.isa, mode, &self.parameters, images, size, &mut self.space);
        self.tape.logits(&self.space)
    }
}
