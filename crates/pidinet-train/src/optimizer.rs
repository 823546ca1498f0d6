//! Adam, with weight decay as part of the gradient (L2) or decoupled from it (AdamW), and an average of the
//! weights.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::settings::check;

/// How parameters follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// How slowly the mean of the gradients changes, β1.
    pub beta1: f32,
    /// How slowly the mean of their squares changes, β2.
    pub beta2: f32,
    /// Added to the root of the mean square, ε.
    pub epsilon: f32,
    /// Weight decay: added to the gradient as `decay · parameter`.
    pub weight_decay: f32,
    /// Whether the decay bypasses the adaptive step and is applied directly to the parameter (AdamW).
    pub decoupled: bool,
}

impl Default for Adam {
    /// The published recipe.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 1e-4, decoupled: false }
    }
}

/// What an optimiser remembers between steps: everything that has to be saved.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps taken.
    pub step: u64,
    /// Mean of the gradients.
    pub mean: Vec<f32>,
    /// Mean of their squares.
    pub square: Vec<f32>,
    /// Exponential average of the parameters.
    pub average: Vec<f32>,
}

impl State {
    /// The state before the first step from these parameters.
    pub fn new(parameters: &[f32]) -> Self {
        let zeros = vec![0.0; parameters.len()];
        Self { step: 0, mean: zeros.clone(), square: zeros, average: parameters.to_vec() }
    }

    /// Averages the parameters: `average = decay · average + (1 − decay) · parameters`. In the first steps
    /// the decay is less, `(1 + step) / (10 + step)`, so that the start is soon forgotten.
    pub fn average(&mut self, decay: f32, parameters: &[f32]) {
        let step = self.step as f32;
        let decay = decay.min((1.0 + step) / (10.0 + step));
        for (average, parameter) in self.average.iter_mut().zip(parameters) {
            *average += (1.0 - decay) * (parameter - *average);
        }
    }
}

impl Adam {
    pub(crate) fn check(&self) -> Result<()> {
        let Self { beta1, beta2, epsilon, weight_decay, .. } = *self;
        check("optimizer.beta1", beta1, (0.0..1.0).contains(&beta1), "at least 0, below 1")?;
        check("optimizer.beta2", beta2, (0.0..1.0).contains(&beta2), "at least 0, below 1")?;
        check("optimizer.epsilon", epsilon, epsilon > 0.0, "above 0")?;
        check("optimizer.weight_decay", weight_decay, weight_decay >= 0.0, "at least 0")
    }

    /// One step with this learning rate. A parameter whose `frozen` flag is set stays.
    pub fn step(
        &self,
        rate: f32,
        gradients: &[f32],
        frozen: &[bool],
        parameters: &mut [f32],
        state: &mut State,
    ) {
        state.step += 1;
        let step = state.step as f64;
        let correction1 = (1.0 - f64::from(self.beta1).powf(step)) as f32;
        let correction2 = (1.0 - f64::from(self.beta2).powf(step)).sqrt() as f32;
        let moments = state.mean.iter_mut().zip(&mut state.square);
        let all = parameters.iter_mut().zip(moments).zip(gradients).zip(frozen);
        for (((parameter, (mean, square)), &gradient), _) in all.filter(|(_, frozen)| !**frozen) {
            let mut gradient = gradient;
            if self.decoupled {
                *parameter *= 1.0 - rate * self.weight_decay;
            } else {
                gradient += self.weight_decay * *parameter;
            }
            *mean += (1.0 - self.beta1) * (gradient - *mean);
            *square = self.beta2 * *square + (1.0 - self.beta2) * gradient * gradient;
            *parameter -= rate / correction1 * *mean / (square.sqrt() / correction2 + self.epsilon);
        }
    }
}
