//! The parameters of a network in one piece of memory, in the order the network asks for them.

use std::ops::Range;

use pidinet::Size;
use pidinet::arch::survey::Survey;
use pidinet::arch::{Arch, Conv};
use pidinet::weights::{Model, Parameter, Weights};
use rand::RngExt;
use rand::rngs::ChaCha12Rng;

/// Where one tensor of parameters lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name in model files.
    pub name: String,
    /// Shape: `[out, in / groups, 3, 3]`, `[out, in, 1, 1]` or `[out]`.
    pub shape: Vec<usize>,
    /// Its elements among those of all tensors.
    pub range: Range<usize>,
    /// What it belongs to.
    pub conv: Conv,
}

impl Tensor {
    /// Whether this is a bias.
    pub fn is_bias(&self) -> bool {
        self.shape.len() == 1
    }
}

/// Names and places of all parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    tensors: Vec<Tensor>,
    len: usize,
}

impl Parameters {
    /// Those of the network of this architecture.
    pub fn of(arch: &Arch) -> Self {
        let mut parameters = Self::default();
        for (name, conv) in Survey::of(arch, Size::square(8)).convs() {
            parameters.push_conv(name, conv);
        }
        parameters
    }

    /// The tensors, in the order the network asks for them.
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

    /// Adds the weights of a convolution, and its bias if it has one; returns their numbers.
    pub(crate) fn push_conv(&mut self, name: &str, conv: &Conv) -> (usize, Option<usize>) {
        let weight = self.push(format!("{name}.weight"), conv.weight_shape().to_vec(), conv);
        let bias = conv.bias.then(|| self.push(format!("{name}.bias"), vec![conv.outputs], conv));
        (weight, bias)
    }

    /// Adds a tensor and returns its number.
    fn push(&mut self, name: String, shape: Vec<usize>, conv: &Conv) -> usize {
        let start = self.len;
        self.len += shape.iter().product::<usize>();
        self.tensors.push(Tensor { name, shape, range: start..self.len, conv: *conv });
        self.tensors.len() - 1
    }

    /// Values to start training from: weights uniform in `±1/√fan_in` (Kaiming with a = √5, as PyTorch
    /// does); biases 0, but those of shortcuts, which are as PyTorch's too; the fusing weights 1/4.
    pub fn init(&self, rng: &mut ChaCha12Rng) -> Vec<f32> {
        let mut values = vec![0.0; self.len];
        for tensor in &self.tensors {
            let values = &mut values[tensor.range.clone()];
            let fan_in: usize = tensor.conv.weight_shape()[1..].iter().product();
            if tensor.name == "classifier.weight" {
                values.fill(0.25);
            } else if !tensor.is_bias() || tensor.name.ends_with("shortcut.bias") {
                let bound = 1.0 / (fan_in as f32).sqrt();
                values.fill_with(|| rng.random_range(-bound..bound));
            }
        }
        values
    }

    /// The values that a model has.
    ///
    /// # Errors
    ///
    /// What is wrong with it: another architecture, or folded differences.
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
