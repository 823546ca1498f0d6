//! Random weights, for tests and benchmarks.

use std::collections::BTreeMap;

use super::input::RecognitionInput;
use super::model::RecognitionModel;
use crate::arch::recognition::RecognitionArch;
use crate::arch::recognition::survey::{RecognitionParameter, RecognitionSurvey, Role};
use crate::weights::parameters::Weights;
use crate::weights::random::{self, SplitMix64};

impl RecognitionModel {
    /// A model of random weights, the same for the same seed on every machine: for tests and benchmarks.
    pub fn random(arch: RecognitionArch, seed: u64) -> Self {
        model(arch, seed)
    }
}

/// A Bi-PiDiNet of random weights, the same for the same seed on every machine: sums are normed to a variance
/// of about 1, as in a trained one.
fn model(arch: RecognitionArch, seed: u64) -> RecognitionModel {
    let mut numbers = SplitMix64(seed);
    let parameters = RecognitionSurvey::parameters_of(&arch);
    // The norm after a binary convolution sees sums of this many signs; all others see numbers of about 1.
    let sums: BTreeMap<String, usize> = arch.blocks().iter().flat_map(|block| block.sums()).collect();
    let mut weights = Weights::new();
    for RecognitionParameter { name, shape, role } in &parameters {
        let variance = || {
            let norm = name.strip_suffix(".running_var").and_then(|norm| sums.get(norm));
            norm.map_or(2.0, |&signs| signs as f64)
        };
        let inputs: usize = shape[1..].iter().product();
        let (centre, bound) = match role {
            Role::Real => (0.0, (6.0 / inputs as f64).sqrt()),
            Role::Binary => (0.0, 1.0),
            Role::Scale => (1.0, 0.5),
            Role::Offset | Role::Mean => (0.0, 0.5),
            Role::Variance => (variance(), 0.1),
            Role::Slope => (0.25, 0.2),
        };
        let mut parameter = numbers.parameter(shape, bound);
        parameter.data.iter_mut().for_each(|x| *x += centre as f32);
        weights.insert(name.clone(), parameter);
    }
    RecognitionModel {
        input: RecognitionInput::for_stem(arch.stem),
        arch,
        weights,
        labels: Vec::new(),
        info: random::info(seed),
    }
}
