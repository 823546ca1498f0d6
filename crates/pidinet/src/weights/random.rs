//! Random weights, for tests and benchmarks.

use std::collections::BTreeMap;

use super::{Form, Model, ModelInfo, Parameter, RecognitionModel, Weights};
use crate::Size;
use crate::arch::recognition::RecognitionArch;
use crate::arch::recognition::survey::{RecognitionParameter, RecognitionSurvey, Role};
use crate::arch::survey::Survey;
use crate::arch::{Arch, STEM};

/// A model of random weights, the same for the same seed on every machine.
///
/// Weights are uniform, biases within ±1/10. In the stages weights are within ±√(1 / fan-in), PyTorch's default, so
/// that fifteen residual blocks neither explode nor vanish; after them within ±√(6 / fan-in), which keeps the
/// variance behind a ReLU, so that edge maps are not the same grey everywhere.
pub(super) fn model(arch: Arch, seed: u64) -> Model {
    let mut random = SplitMix64(seed);
    let mut weights = Weights::new();
    let modules = arch.modules();
    let blocks: Vec<String> = arch.blocks().into_iter().map(|block| block.name).collect();
    for (name, conv) in Survey::of(&arch, Size::square(8)).convs() {
        let shape = conv.weight_shape();
        let fan_in: usize = shape[1..].iter().product();
        let is_in_stages = name == STEM || modules.get(name).is_some_and(|module| blocks.contains(module));
        let gain = if is_in_stages { 1.0 } else { 6.0 };
        let bound = (gain / fan_in as f64).sqrt();
        weights.insert(format!("{name}.weight"), random.parameter(&shape, bound));
        if conv.bias {
            weights.insert(format!("{name}.bias"), random.parameter(&[conv.outputs], 0.1));
        }
    }
    let info = ModelInfo {
        name: format!("random-{seed}"),
        provenance: format!("random weights of seed {seed}, not trained"),
        ..ModelInfo::default()
    };
    Model { arch, form: Form::Raw, weights, info, calibration: None }
}

/// A Bi-PiDiNet of random weights, the same for the same seed on every machine: sums are normed to a variance
/// of about 1, as in a trained one.
pub(super) fn bi_model(arch: RecognitionArch, seed: u64) -> RecognitionModel {
    let mut random = SplitMix64(seed);
    let parameters = RecognitionSurvey::parameters_of(&arch);
    // The norm after a binary convolution sees sums of so many signs, all others numbers of about 1.
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
        let mut parameter = random.parameter(shape, bound);
        parameter.data.iter_mut().for_each(|x| *x += centre as f32);
        weights.insert(name.clone(), parameter);
    }
    let info = ModelInfo {
        name: format!("random-{seed}"),
        provenance: format!("random weights of seed {seed}, not trained"),
        ..ModelInfo::default()
    };
    RecognitionModel {
        input: super::RecognitionInput::for_stem(arch.stem),
        arch,
        weights,
        labels: Vec::new(),
        info,
    }
}

/// Steele, Lea and Flood's SplitMix64: a few lines, and good enough to fill tensors.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Uniform numbers in `[-bound, bound)`.
    fn parameter(&mut self, shape: &[usize], bound: f64) -> Parameter {
        let count = shape.iter().product();
        let mut uniform = || (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        Parameter { shape: shape.into(), data: (0..count).map(|_| (bound * uniform()) as f32).collect() }
    }
}
