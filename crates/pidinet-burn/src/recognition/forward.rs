//! The network on Burn's tensors: an interpreter of [`pidinet::arch::recognition::BuildRecognition`].

use std::collections::HashMap;
use std::ops::Range;

use burn_tensor::module::max_pool2d;
use burn_tensor::ops::{MaxPoolOptions, PadMode};
use burn_tensor::{Device, FloatDType, Tensor, TensorData};
use pidinet::arch::recognition::sum::{Norm, Sum};
use pidinet::arch::recognition::{BinaryConv, BuildRecognition, RealConv};
use pidinet_train::recognition::signs::Straight;
use pidinet_train::recognition::tape::Mode;

use super::convolution::{binary, ordered, plain, signs};
use super::norm::{Moments, normalise};
use super::parameters::OnDevice;

/// A map `[n, c, h, w]` whose batch norms are still to be applied; during training there are none of these.
pub(crate) type Value = Sum<Tensor<4>>;

/// Computes the network while it is being described.
pub(super) struct Forward<'a> {
    parameters: &'a OnDevice,
    mode: Mode,
    device: Device,
    /// The batch's moments at each batch norm.
    pub(super) seen: HashMap<String, Moments>,
}

impl<'a> Forward<'a> {
    pub(super) fn new(parameters: &'a OnDevice, mode: Mode, device: Device) -> Self {
        Self { parameters, mode, device, seen: HashMap::new() }
    }

    /// The map itself: scaled terms first, in their order, then the offset, then terms that are not scaled.
    pub(super) fn read(&self, x: &Value) -> Tensor<4> {
        let scaled = x.terms.iter().filter_map(|(map, scale)| Some((map, scale.as_ref()?)));
        let scaled = scaled.map(|(map, scale)| map.clone() * self.rounded(scale));
        let mut sum = scaled.reduce(|sum, term| sum + term);
        if let (Some(before), Some(offset)) = (&sum, &x.offset) {
            sum = Some(before.clone() + self.rounded(offset));
        }
        let plain = x.terms.iter().filter(|(_, scale)| scale.is_none()).map(|(map, _)| map.clone());
        sum.into_iter().chain(plain).reduce(|sum, term| sum + term).expect("a value has a term")
    }

    /// One number for each channel.
    fn rounded(&self, values: &[f64]) -> Tensor<4> {
        let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
        let channels = values.len();
        Tensor::from_data(TensorData::new(values, [1, channels, 1, 1]), &self.device)
    }

    fn parameter(&self, name: &str, suffix: &str) -> Tensor<1> {
        self.parameters.rows[&format!("{name}.{suffix}")].clone()
    }

    /// A parameter that is one number for each channel.
    fn channel(&self, name: &str, suffix: &str) -> Tensor<4> {
        let row = self.parameter(name, suffix);
        let [channels] = row.dims();
        row.reshape([1, channels, 1, 1])
    }
}

impl BuildRecognition for Forward<'_> {
    type Value = Value;

    fn conv(&mut self, name: &str, conv: &RealConv, x: &Value) -> Value {
        let (x, weight) = (self.read(x), self.parameter(name, "weight"));
        if self.mode.running {
            return ordered(conv, x, weight, self.parameters.wide).cast(FloatDType::F32).into();
        }
        plain(x, weight.reshape(conv.weight_shape()), conv.stride).into()
    }

    fn binary_conv(&mut self, name: &str, conv: &BinaryConv, x: &Value) -> Value {
        let mode = self.mode;
        let weight = self.parameter(name, "weight");
        // Latent weights always have the gradient of the clamp.
        let weight = if mode.precision.weights() { signs(weight, Straight::Clamp) } else { weight };
        let of = |x| if mode.precision.signs() { signs(x, mode.straight) } else { x };
        Value::branch(binary(conv, self.read(x), weight, of))
    }

    fn batch_norm(&mut self, name: &str, _: usize, x: &Value) -> Value {
        if !self.mode.running {
            let (weight, bias) = (self.channel(name, "weight"), self.channel(name, "bias"));
            let (y, moments) = normalise(self.read(x), weight, bias);
            self.seen.insert(name.to_owned(), moments);
            return y.into();
        }
        let values = ["weight", "bias", "running_mean", "running_var"];
        let values = values.map(|suffix| &self.parameters.values[&format!("{name}.{suffix}")][..]);
        x.normalised(&Norm::new(values))
    }

    fn shift(&mut self, name: &str, _: usize, x: &Value) -> Value {
        (self.read(x) + self.channel(name, "bias")).into()
    }

    fn rprelu(&mut self, name: &str, _: usize, x: &Value) -> Value {
        let [shift, slope, bias] = ["shift", "slope", "bias"].map(|suffix| self.channel(name, suffix));
        let x = self.read(x) + shift;
        let is_negative = x.clone().detach().lower_elem(0.0);
        (x.clone().mask_where(is_negative, x * slope) + bias).into()
    }

    fn channels(&mut self, x: &Value, channels: Range<usize>) -> Value {
        self.read(x).slice_dim(1, channels).into()
    }

    fn twice(&mut self, x: &Value) -> Value {
        let x = self.read(x);
        Tensor::cat(vec![x.clone(), x], 1).into()
    }

    fn add(&mut self, a: &Value, b: &Value) -> Value {
        a.plus(b, |x| self.read(x))
    }

    fn max_pool(&mut self, x: &Value) -> Value {
        let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
        max_pool2d(self.read(x), options).into()
    }

    fn average_pool(&mut self, x: &Value) -> Value {
        let x = self.read(x);
        let [images, channels, height, width] = x.dims();
        let (rows, columns) = (height.div_ceil(2), width.div_ceil(2));
        let x = x.pad([(0, 2 * rows - height), (0, 2 * columns - width)], PadMode::Constant(0.0));
        let x = x.reshape([images, channels, rows, 2, columns, 2]);
        let pair = |x: Tensor<6>, dim: usize| x.clone().slice_dim(dim, 0..1) + x.slice_dim(dim, 1..2);
        let sum = pair(pair(x, 5), 3).reshape([images, channels, rows, columns]);
        let inside = |at: usize, length: usize| (length - 2 * at).min(2);
        let shares = (0..rows * columns)
            .map(|at| 1.0 / (inside(at / columns, height) * inside(at % columns, width)) as f32);
        let shares = TensorData::new(shares.collect(), [1, 1, rows, columns]);
        (sum * Tensor::from_data(shares, &self.device)).into()
    }

    fn global_pool(&mut self, x: &Value) -> Value {
        let x = self.read(x);
        let [_, _, height, width] = x.dims();
        let wide = if self.mode.running { self.parameters.wide } else { FloatDType::F32 };
        let sum = x.cast(wide).sum_dim(3).sum_dim(2);
        (sum / (height * width) as f64).cast(FloatDType::F32).into()
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize, x: &Value) -> Value {
        let (weight, bias) = (self.parameter(name, "weight"), self.channel(name, "bias"));
        let conv = RealConv { inputs, outputs, size: 1, stride: 1 };
        if self.mode.running {
            let sum = ordered(&conv, self.read(x), weight, self.parameters.wide);
            return (sum + bias.cast(self.parameters.wide)).cast(FloatDType::F32).into();
        }
        (plain(self.read(x), weight.reshape(conv.weight_shape()), 1) + bias).into()
    }
}
