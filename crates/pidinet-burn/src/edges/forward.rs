//! The network on Burn's tensors: an interpreter of [`pidinet::arch::Build`].

use std::collections::HashMap;

use burn_tensor::activation::{relu, sigmoid};
use burn_tensor::module::{conv2d, max_pool2d};
use burn_tensor::ops::{ConvOptions, MaxPoolOptions};
use burn_tensor::{Device, Tensor, TensorData};
use pidinet::arch::{Build, Conv, Kind};
use pidinet::reparam;

/// A map `[n, c, h, w]`.
#[derive(Clone)]
pub(crate) struct Map {
    tensor: Tensor<4>,
    /// Whether this stands for the sigmoid of `tensor`. It is applied when the map is read, since
    /// training reads the value before it.
    sigmoid: bool,
}

impl From<Tensor<4>> for Map {
    fn from(tensor: Tensor<4>) -> Self {
        Self { tensor, sigmoid: false }
    }
}

impl Map {
    /// The map.
    pub(crate) fn read(&self) -> Tensor<4> {
        let tensor = self.tensor.clone();
        if self.sigmoid { sigmoid(tensor) } else { tensor }
    }

    /// The map before its sigmoid.
    ///
    /// # Panics
    ///
    /// If the map has no sigmoid.
    pub(crate) fn logit(self) -> Tensor<4> {
        assert!(self.sigmoid, "every output of the network is a sigmoid");
        self.tensor
    }
}

/// Computes the network while it is being described.
pub(crate) struct Forward<'a> {
    parameters: &'a HashMap<String, Tensor<1>>,
    device: Device,
}

impl<'a> Forward<'a> {
    pub(crate) fn new(parameters: &'a HashMap<String, Tensor<1>>, device: &Device) -> Self {
        Self { parameters, device: device.clone() }
    }

    fn parameter(&self, name: &str) -> Tensor<1> {
        self.parameters[name].clone()
    }

    /// The weights of a convolution, folded: `[out, in / groups, k, k]`.
    fn weight(&self, name: &str, conv: &Conv) -> Tensor<4> {
        let weight = self.parameter(&format!("{name}.weight"));
        if conv.kind == Kind::Vanilla {
            return weight.reshape(conv.weight_shape());
        }
        let taps = conv.size * conv.size;
        let kernels = weight.shape().num_elements() / taps;
        weight.reshape([kernels, taps]).matmul(self.folding(conv)).reshape(conv.folded_shape())
    }

    /// The matrix of folding, which is linear: its rows are the folded single weights.
    fn folding(&self, conv: &Conv) -> Tensor<2> {
        let taps = conv.size * conv.size;
        let one = Conv { inputs: 1, outputs: 1, groups: 1, ..*conv };
        let rows = (0..taps).flat_map(|tap| {
            let weights: Vec<f32> = (0..taps).map(|other| f32::from(u8::from(tap == other))).collect();
            reparam::fold(&one, &weights)
        });
        self.matrix(rows.collect(), taps)
    }

    fn matrix(&self, values: Vec<f32>, rows: usize) -> Tensor<2> {
        let columns = values.len() / rows;
        Tensor::from_data(TensorData::new(values, [rows, columns]), &self.device)
    }
}

impl Build for Forward<'_> {
    type Value = Map;

    fn conv(&mut self, name: &str, conv: &Conv, x: &Map) -> Map {
        let weight = self.weight(name, conv);
        let bias = conv.bias.then(|| self.parameter(&format!("{name}.bias")));
        let [.., side] = conv.folded_shape();
        let (dilation, padding) = ([conv.dilation; 2], [side / 2 * conv.dilation; 2]);
        conv2d(x.read(), weight, bias, ConvOptions::new([1; 2], padding, dilation, conv.groups)).into()
    }

    fn max_pool(&mut self, x: &Map) -> Map {
        max_pool2d(x.read(), MaxPoolOptions::new([2, 2])).into()
    }

    fn relu(&mut self, x: &Map) -> Map {
        relu(x.read()).into()
    }

    fn sigmoid(&mut self, x: &Map) -> Map {
        Map { tensor: x.read(), sigmoid: true }
    }

    fn add(&mut self, a: &Map, b: &Map) -> Map {
        (a.read() + b.read()).into()
    }

    fn gate(&mut self, x: &Map, gate: &Map) -> Map {
        (x.read() * gate.read()).into()
    }

    /// A matrix from the left for the rows and one from the right for the columns, because not every backend
    /// of Burn can differentiate its own resize.
    fn resize(&mut self, x: &Map, like: &Map) -> Map {
        let [_, _, height, width] = x.tensor.dims();
        let [_, _, target_height, target_width] = like.tensor.dims();
        if (height, width) == (target_height, target_width) {
            return x.clone();
        }
        let rows = self.matrix(interpolation(height, target_height), target_height);
        let columns = self.matrix(interpolation(width, target_width), target_width).transpose();
        rows.unsqueeze::<4>().matmul(x.read()).matmul(columns.unsqueeze::<4>()).into()
    }

    fn concat(&mut self, maps: &[Map]) -> Map {
        Tensor::cat(maps.iter().map(Map::read).collect(), 1).into()
    }
}

/// The matrix `[to, from]` of a bilinear resize in one direction (half-pixel centres).
fn interpolation(from: usize, to: usize) -> Vec<f32> {
    let mut matrix = vec![0.0; to * from];
    for (target, row) in matrix.chunks_exact_mut(from).enumerate() {
        let at = ((target as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let first = (at as usize).min(from - 1);
        let share = at - first as f64;
        row[first] += (1.0 - share) as f32;
        row[(first + 1).min(from - 1)] += share as f32;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_an_interpolation_are_weights() {
        assert_eq!(interpolation(2, 4), [1.0, 0.0, 0.75, 0.25, 0.25, 0.75, 0.0, 1.0]);
        assert_eq!(interpolation(1, 3), [1.0; 3]);
        for (from, to) in [(5, 11), (7, 59), (3, 3)] {
            for row in interpolation(from, to).chunks(from) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
            }
        }
    }
}
