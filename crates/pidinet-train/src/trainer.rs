//! One step after the other: gradients of a batch, and the optimiser.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pidinet::arch::Arch;
use pidinet::weights::{Form, Model, ModelInfo, Parameter, Weights};
use pidinet_kernels::Isa;
use rayon::prelude::*;

use crate::data::augment::{Sample, generator};
use crate::loss::Loss;
use crate::optimizer::{Adam, State};
use crate::tape::{Geometry, Packed, Tape, Workspace};
use crate::{Error, Result};

/// Purpose of random numbers, see [`generator`].
const WEIGHTS: u64 = 0;

/// A network that learns on the CPU.
///
/// Images of a batch are differentiated in parallel, each by one thread, and their gradients added in the
/// order of the batch: the result is the same for any number of threads.
#[derive(Debug)]
pub struct Trainer {
    arch: Arch,
    tape: Tape,
    isa: Isa,
    /// The values of all parameters.
    pub parameters: Vec<f32>,
    /// What the optimiser remembers.
    pub state: State,
    frozen: Vec<bool>,
    geometries: Mutex<HashMap<(usize, usize), Arc<Geometry>>>,
    workspaces: Mutex<Vec<Workspace>>,
}

impl Trainer {
    /// A network with random weights that follow from `seed`.
    pub fn new(arch: &Arch, seed: u64, isa: Isa) -> Self {
        let tape = Tape::new(arch);
        let parameters = tape.parameters().init(&mut generator(seed, WEIGHTS, 0));
        Self {
            arch: arch.clone(),
            isa,
            state: State::new(&parameters),
            frozen: vec![false; parameters.len()],
            parameters,
            tape,
            geometries: Mutex::default(),
            workspaces: Mutex::default(),
        }
    }

    /// Takes the weights of a model, for fine-tuning.
    ///
    /// # Errors
    ///
    /// If its architecture is another one, or its differences are folded.
    pub fn start_from(&mut self, model: &Model) -> Result<(), String> {
        if model.is_folded() {
            return Err("folded weights, which cannot be trained further".to_owned());
        }
        for tensor in self.tape.parameters().tensors() {
            match model.weights.get(&tensor.name) {
                Some(found) if found.shape == tensor.shape => {
                    self.parameters[tensor.range.clone()].copy_from_slice(&found.data);
                }
                Some(found) => return Err(format!("{} of shape {:?}", tensor.name, found.shape)),
                None => return Err(format!("no {}", tensor.name)),
            }
        }
        self.state = State::new(&self.parameters);
        Ok(())
    }

    /// Keeps the parameters as they are whose names start with one of `prefixes`; returns how many tensors.
    pub fn freeze(&mut self, prefixes: &[String]) -> usize {
        let mut count = 0;
        for tensor in self.tape.parameters().tensors() {
            if prefixes.iter().any(|prefix| tensor.name.starts_with(prefix.as_str())) {
                self.frozen[tensor.range.clone()].fill(true);
                count += 1;
            }
        }
        count
    }

    /// The sum of the samples' losses and the gradient of the sum, divided by `divisor`.
    pub fn differentiate(&self, loss: &Loss, samples: &[Sample], divisor: f32) -> (f64, Vec<f32>) {
        let packed = Packed::new(&self.tape, &self.parameters);
        let each = |sample: &Sample| {
            let geometry = self.geometry(sample.height, sample.width);
            let mut space = self.workspace();
            self.tape.forward(self.isa, &geometry, &packed, &sample.image, &mut space);
            let mut maps = self.tape.logits(&geometry, &space);
            let value = loss.differentiate(&sample.labels, 1.0 / divisor, &mut maps);
            let mut gradients = vec![0.0; self.parameters.len()];
            self.tape.backward(self.isa, &geometry, &packed, &maps, &mut space, &mut gradients);
            self.keep(space);
            (value, gradients)
        };
        let each: Vec<_> = samples.par_iter().map(each).collect();
        let mut total = 0.0;
        let mut sum = vec![0.0; self.parameters.len()];
        for (value, gradients) in each {
            total += value;
            for (sum, gradient) in sum.iter_mut().zip(gradients) {
                *sum += gradient;
            }
        }
        (total, sum)
    }

    /// One step with this learning rate; `average` is the decay of the averaged weights.
    pub fn step(&mut self, adam: &Adam, rate: f64, average: f32, gradients: &[f32]) {
        adam.step(rate as f32, gradients, &self.frozen, &mut self.parameters, &mut self.state);
        self.state.average(average, &self.parameters);
    }

    /// The five maps of a sample before their sigmoids, and its loss, with the averaged weights.
    pub fn evaluate(&self, loss: &Loss, packed: &Packed, sample: &Sample) -> ([Vec<f32>; 5], f64) {
        let geometry = self.geometry(sample.height, sample.width);
        let mut space = self.workspace();
        self.tape.forward(self.isa, &geometry, packed, &sample.image, &mut space);
        let maps = self.tape.logits(&geometry, &space);
        self.keep(space);
        let value = loss.differentiate(&sample.labels, 1.0, &mut maps.clone());
        (maps, value)
    }

    /// The averaged weights, ready for [`Trainer::evaluate`].
    pub fn packed_average(&self) -> Packed {
        Packed::new(&self.tape, &self.state.average)
    }

    /// The averaged weights as a model.
    pub fn model(&self, info: ModelInfo) -> Model {
        let parameter = |tensor: &crate::parameters::Tensor| {
            let data = self.state.average[tensor.range.clone()].to_vec();
            (tensor.name.clone(), Parameter { shape: tensor.shape.clone(), data })
        };
        let weights: Weights = self.tape.parameters().tensors().iter().map(parameter).collect();
        Model { arch: self.arch.clone(), form: Form::Raw, weights, info }
    }

    fn geometry(&self, height: usize, width: usize) -> Arc<Geometry> {
        let mut known = self.geometries.lock().unwrap_or_else(PoisonError::into_inner);
        // Continuous scales give a new size for every image: they are not worth keeping.
        if known.len() > 64 {
            known.clear();
        }
        let make = || Arc::new(Geometry::new(&self.tape, height, width));
        known.entry((height, width)).or_insert_with(make).clone()
    }

    fn workspace(&self) -> Workspace {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn keep(&self, space: Workspace) {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).push(space);
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
