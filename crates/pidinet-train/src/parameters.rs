//! The parameters of a network in one piece of memory, in the order in which the network uses them.

use std::ops::Range;

use pidinet::Size;
use pidinet::arch::recognition::RecognitionArch;
use pidinet::arch::recognition::survey::{RecognitionSurvey, Role};
use pidinet::arch::survey::Survey;
use pidinet::arch::{Arch, Block};
use pidinet::weights::{Model, Parameter, Weights};
use rand::RngExt;
use rand::rngs::ChaCha12Rng;

/// Where one tensor of parameters lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name in model files.
    pub name: String,
    /// Shape, outermost first: `[out, in / groups, 3, 3]` or `[out, in, 1, 1]` for weights, `[out]` for
    /// everything else.
    pub shape: Vec<usize>,
    /// Its elements among those of all tensors.
    pub range: Range<usize>,
    /// The values of its elements before the first step.
    pub start: Start,
    /// Whether it is learnt; means and variances of batch norms follow from the data.
    pub is_learnt: bool,
}

/// The values of a tensor's elements before the first step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// All the same.
    Constant(f32),
    /// Uniform in `±1/√fan_in` (Kaiming with a = √5, as PyTorch does).
    Uniform {
        /// Number of terms in each output's weighted sum.
        fan_in: usize,
    },
}

/// Names and places of all parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    tensors: Vec<Tensor>,
    len: usize,
}

/// The convolution that fuses the sides, as published checkpoints name it.
const FUSE: &str = "classifier";

impl Parameters {
    /// The parameters of the edge network of this architecture. Biases start at 0, except those of shortcuts,
    /// which start like weights, as PyTorch's do; the weights that fuse the sides start at 1/4.
    pub fn of(arch: &Arch) -> Self {
        let shortcuts: Vec<String> = arch.blocks().iter().filter_map(Block::shortcut).collect();
        let mut parameters = Self::default();
        for (name, conv) in Survey::of(arch, Size::square(8)).convs() {
            let shape = conv.weight_shape();
            let uniform = Start::Uniform { fan_in: shape[1..].iter().product() };
            let weight = if name == FUSE { Start::Constant(0.25) } else { uniform };
            parameters.push(format!("{name}.weight"), shape.to_vec(), weight, true);
            if conv.bias {
                let is_shortcut = shortcuts.iter().any(|shortcut| shortcut == name);
                let bias = if is_shortcut { uniform } else { Start::Constant(0.0) };
                parameters.push(format!("{name}.bias"), vec![conv.outputs], bias, true);
            }
        }
        parameters
    }

    /// The parameters of the recognition network of this architecture. Factors start at 1, terms at 0.
    pub fn of_recognition(arch: &RecognitionArch) -> Self {
        let mut parameters = Self::default();
        for parameter in RecognitionSurvey::parameters_of(arch) {
            let start = match parameter.role {
                Role::Real | Role::Binary => Start::Uniform { fan_in: parameter.shape[1..].iter().product() },
                Role::Scale | Role::Variance => Start::Constant(1.0),
                Role::Slope => Start::Constant(0.25),
                Role::Offset | Role::Mean => Start::Constant(0.0),
            };
            let is_learnt = !matches!(parameter.role, Role::Mean | Role::Variance);
            parameters.push(parameter.name, parameter.shape, start, is_learnt);
        }
        parameters
    }

    /// The tensors, in the order in which the network uses them.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of the tensor of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn number(&self, name: &str) -> usize {
        let number = self.tensors.iter().position(|tensor| tensor.name == name);
        number.unwrap_or_else(|| panic!("the network has no parameter {name}"))
    }

    /// The elements of a tensor.
    pub(crate) fn part<'a>(&self, tensor: usize, values: &'a [f32]) -> &'a [f32] {
        &values[self.tensors[tensor].range.clone()]
    }

    /// The elements of a tensor, to change.
    pub(crate) fn part_mut<'a>(&self, tensor: usize, values: &'a mut [f32]) -> &'a mut [f32] {
        &mut values[self.tensors[tensor].range.clone()]
    }

    fn push(&mut self, name: String, shape: Vec<usize>, start: Start, is_learnt: bool) {
        let first = self.len;
        self.len += shape.iter().product::<usize>();
        self.tensors.push(Tensor { name, shape, range: first..self.len, start, is_learnt });
    }

    /// Values to start training from.
    pub fn init(&self, rng: &mut ChaCha12Rng) -> Vec<f32> {
        let mut values = vec![0.0; self.len];
        for tensor in &self.tensors {
            let values = &mut values[tensor.range.clone()];
            match tensor.start {
                Start::Constant(value) => values.fill(value),
                Start::Uniform { fan_in } => {
                    let bound = 1.0 / (fan_in as f32).sqrt();
                    values.fill_with(|| rng.random_range(-bound..bound));
                }
            }
        }
        values
    }

    /// The values in a model.
    ///
    /// # Errors
    ///
    /// What is wrong with it: a different architecture, or folded differences.
    pub fn values(&self, model: &Model) -> Result<Vec<f32>, String> {
        if model.is_folded() {
            return Err("folded weights, which cannot be trained further".to_owned());
        }
        let mut values = vec![0.0; self.len];
        for tensor in &self.tensors {
            match model.weights.get(&tensor.name) {
                Some(found) if found.shape == tensor.shape => {
                    values[tensor.range.clone()].copy_from_slice(&found.data);
                }
                Some(found) => return Err(format!("{} of shape {:?}", tensor.name, found.shape)),
                None => return Err(format!("no {}", tensor.name)),
            }
        }
        Ok(values)
    }

    /// Values by their names.
    pub fn weights(&self, values: &[f32]) -> Weights {
        let parameter = |tensor: &Tensor| {
            let data = values[tensor.range.clone()].to_vec();
            (tensor.name.clone(), Parameter { shape: tensor.shape.clone(), data })
        };
        self.tensors.iter().map(parameter).collect()
    }
}
