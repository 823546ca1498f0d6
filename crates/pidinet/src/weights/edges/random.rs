//! Random weights, for tests and benchmarks.

use super::model::{Form, Model};
use crate::arch::survey::Survey;
use crate::arch::{Arch, STEM};
use crate::size::Size;
use crate::weights::parameters::Weights;
use crate::weights::random::{self, SplitMix64};

impl Model {
    /// A model of random weights, the same for the same seed on every machine: for tests and benchmarks.
    pub fn random(arch: Arch, seed: u64) -> Self {
        model(arch, seed)
    }
}

/// A model of random weights, the same for the same seed on every machine.
///
/// Weights are uniform, biases within ±1/10. In the stages weights are within ±√(1 / fan-in), PyTorch's
/// default, so that values neither explode nor vanish over fifteen residual blocks; after them within ±√(6 /
/// fan-in), which preserves the variance through a ReLU, so that edge maps are not the same grey everywhere.
fn model(arch: Arch, seed: u64) -> Model {
    let mut numbers = SplitMix64(seed);
    let mut weights = Weights::new();
    let modules = arch.modules();
    let blocks: Vec<String> = arch.blocks().into_iter().map(|block| block.name).collect();
    for (name, conv) in Survey::of(&arch, Size::square(8)).convs() {
        let shape = conv.weight_shape();
        let fan_in: usize = shape[1..].iter().product();
        let is_in_stages = name == STEM || modules.get(name).is_some_and(|module| blocks.contains(module));
        let gain = if is_in_stages { 1.0 } else { 6.0 };
        let bound = (gain / fan_in as f64).sqrt();
        weights.insert(format!("{name}.weight"), numbers.parameter(&shape, bound));
        if conv.bias {
            weights.insert(format!("{name}.bias"), numbers.parameter(&[conv.outputs], 0.1));
        }
    }
    Model { arch, form: Form::Raw, weights, info: random::info(seed), calibration: None }
}
