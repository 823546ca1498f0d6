//! A network with its parameters on a device.

use std::collections::HashMap;

use burn_tensor::{Device, Gradients, Tensor, TensorData};
use pidinet::arch::{Arch, Outputs, pidinet};
use pidinet::weights::Model;
use pidinet_train::Parameters;

use super::forward::{Forward, Map};

/// A network with its parameters on a device.
///
/// The parameters are raw: pixel differences are folded while it runs, so that gradients are those of the
/// raw weights.
#[derive(Debug)]
pub struct Network {
    arch: Arch,
    layout: Parameters,
    /// Each parameter as one row, by name.
    parameters: HashMap<String, Tensor<1>>,
}

impl Network {
    /// The network of a model.
    ///
    /// # Errors
    ///
    /// What is wrong with the model: its pixel differences are folded, which cannot be undone.
    pub fn of(model: &Model, device: &Device) -> Result<Self, String> {
        let layout = Parameters::of(&model.arch);
        let values = layout.values(model)?;
        Ok(Self::new(&model.arch, layout, &values, device))
    }

    /// The network of an architecture with these values of its parameters. On a device with autodiff,
    /// gradients are taken with respect to them.
    ///
    /// # Panics
    ///
    /// If there are fewer values than `layout` says.
    pub fn new(arch: &Arch, layout: Parameters, values: &[f32], device: &Device) -> Self {
        let parameter = |tensor: &pidinet_train::parameters::Tensor| {
            let values = values[tensor.range.clone()].to_vec();
            let length = values.len();
            let row = Tensor::from_data(TensorData::new(values, [length]), device);
            (tensor.name.clone(), if device.is_autodiff() { row.require_grad() } else { row })
        };
        let parameters = layout.tensors().iter().map(parameter).collect();
        Self { arch: arch.clone(), layout, parameters }
    }

    /// All maps of the network for images.
    ///
    /// # Shapes
    ///
    /// `images`: `[n, 3, h, w]`, ready for the network, h and w at least 8; maps: `[n, c, h, w]`.
    pub fn outputs(&self, images: Tensor<4>) -> Outputs<Tensor<4>> {
        let Outputs { stem, stages, sides, fused } = self.run(images);
        Outputs {
            stem: stem.read(),
            stages: stages.map(|map| map.read()),
            sides: sides.map(|map| map.read()),
            fused: fused.read(),
        }
    }

    /// The five maps before their sigmoids, the sides and fused.
    ///
    /// # Shapes
    ///
    /// `images`: `[n, 3, h, w]`, ready for the network, h and w at least 8; the result: `[n, 5, h, w]`.
    pub fn logits(&self, images: Tensor<4>) -> Tensor<4> {
        let Outputs { sides: [a, b, c, d], fused, .. } = self.run(images);
        Tensor::cat([a, b, c, d, fused].map(Map::logit).to_vec(), 1)
    }

    /// The gradients with respect to the parameters, in their order.
    ///
    /// # Panics
    ///
    /// If the device has no autodiff.
    pub fn gradients(&self, gradients: &mut Gradients) -> Tensor<1> {
        let gradient = |tensor: &pidinet_train::parameters::Tensor| {
            let gradient = self.parameters[&tensor.name].grad_remove(gradients);
            gradient.expect("the loss depends on every parameter")
        };
        Tensor::cat(self.layout.tensors().iter().map(gradient).collect(), 0)
    }

    fn run(&self, images: Tensor<4>) -> Outputs<Map> {
        let mut forward = Forward::new(&self.parameters, &images.device());
        pidinet(&self.arch, &mut forward, &Map::from(images))
    }
}
