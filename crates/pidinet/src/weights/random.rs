//! Random weights, for tests and benchmarks.

use super::{Form, Model, ModelInfo, Parameter, Weights};
use crate::arch::Arch;
use crate::arch::survey::Survey;

/// A model of random weights, the same for the same seed on every machine.
///
/// Weights are uniform, biases within ±1/10. In the stages weights are within ±√(1 / fan-in), PyTorch's default, so
/// that fifteen residual blocks neither explode nor vanish; after them within ±√(6 / fan-in), which keeps the
/// variance behind a ReLU, so that edge maps are not the same grey everywhere.
pub(super) fn model(arch: Arch, seed: u64) -> Model {
    let mut random = SplitMix64(seed);
    let mut weights = Weights::new();
    for (name, conv) in Survey::of(&arch, 8, 8).convs() {
        let shape = conv.weight_shape();
        let fan_in: usize = shape[1..].iter().product();
        let gain = if name.contains("block") { 1.0 } else { 6.0 };
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
    Model { arch, form: Form::Raw, weights, info }
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
