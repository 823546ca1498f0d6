//! Random numbers for the models of tests and benchmarks.

use super::info::ModelInfo;
use super::parameters::Parameter;

/// Steele, Lea and Flood's SplitMix64: a few lines, and good enough to fill tensors.
pub(super) struct SplitMix64(pub(super) u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Uniform numbers in `[-bound, bound)`.
    pub(super) fn parameter(&mut self, shape: &[usize], bound: f64) -> Parameter {
        let count = shape.iter().product();
        let mut uniform = || (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        Parameter { shape: shape.into(), data: (0..count).map(|_| (bound * uniform()) as f32).collect() }
    }
}

/// What is known about a model with random weights.
pub(super) fn info(seed: u64) -> ModelInfo {
    ModelInfo {
        name: format!("random-{seed}"),
        provenance: format!("random weights of seed {seed}, not trained"),
        ..ModelInfo::default()
    }
}
