//! Training step by step: the parameters of a network, and the optimiser that updates them.

use pidinet::weights::Weights;

use crate::Parameters;
use crate::optimizer::{Adam, State};
use crate::random::generator;

/// Purpose of random numbers, see [`generator`].
const WEIGHTS: u64 = 0;

/// The parameters of a network that learns.
#[derive(Clone, Debug)]
pub struct Learner {
    layout: Parameters,
    /// The values of all parameters.
    pub parameters: Vec<f32>,
    /// The state of the optimiser.
    pub state: State,
    frozen: Vec<bool>,
}

impl Learner {
    /// Random weights that follow from `seed`.
    pub fn new(layout: Parameters, seed: u64) -> Self {
        let parameters = layout.init(&mut generator(seed, WEIGHTS, 0));
        let tensors = layout.tensors().iter();
        let frozen = tensors.flat_map(|tensor| std::iter::repeat_n(!tensor.is_learnt, tensor.range.len()));
        Self { state: State::new(&parameters), frozen: frozen.collect(), parameters, layout }
    }

    /// Names and places of the parameters.
    pub fn layout(&self) -> &Parameters {
        &self.layout
    }

    /// Starts from other parameters, of the same number.
    pub fn start_from(&mut self, parameters: Vec<f32>) {
        assert_eq!(parameters.len(), self.parameters.len(), "one value for each parameter");
        self.state = State::new(&parameters);
        self.parameters = parameters;
    }

    /// Freezes the parameters whose names start with one of `prefixes`; returns how many tensors.
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

    /// One step of the optimiser with this learning rate.
    pub fn step(&mut self, adam: &Adam, rate: f64, gradients: &[f32]) {
        adam.step(rate as f32, gradients, &self.frozen, &mut self.parameters, &mut self.state);
    }

    /// Moves the averaged parameters towards the current ones.
    pub fn average(&mut self, decay: f32) {
        self.state.average(decay, &self.parameters);
    }

    /// The parameters by their names.
    pub fn weights(&self) -> Weights {
        self.layout.weights(&self.parameters)
    }

    /// The averaged parameters by their names.
    pub fn averaged(&self) -> Weights {
        self.layout.weights(&self.state.average)
    }
}
