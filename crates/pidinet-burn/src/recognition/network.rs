//! A recognition network with its parameters on a device.

use std::collections::HashMap;

use burn_tensor::{Device, Gradients, Tensor};
use pidinet::arch::recognition::{RecognitionArch, RecognitionOutputs, bi_pidinet};
use pidinet::weights::RecognitionModel;
use pidinet_train::recognition::tape::Mode;
use pidinet_train::{Parameters, parameters};

use super::forward::Forward;
use super::norm::Moments;
use super::parameters::OnDevice;

/// A recognition network with its parameters on a device.
///
/// With [`Mode::running`] it computes what `docs/numerics.md` says, in that order: on a device that has f64
/// and does not fuse multiply-adds, the signs and the logits are those of the engine.
#[derive(Debug)]
pub struct RecognitionNetwork {
    arch: RecognitionArch,
    layout: Parameters,
    parameters: OnDevice,
}

impl RecognitionNetwork {
    /// The network of a model.
    pub fn of(model: &RecognitionModel, device: &Device) -> Self {
        let layout = Parameters::of_recognition(&model.arch);
        let names = layout.tensors().iter().map(|tensor| &tensor.name);
        let values: Vec<f32> = names.flat_map(|name| &model.weights[name].data).copied().collect();
        Self::new(&model.arch, layout, &values, device)
    }

    /// The network of an architecture with these values of its parameters. On a device with autodiff,
    /// gradients are taken with respect to them.
    ///
    /// # Panics
    ///
    /// If there are fewer values than `layout` says.
    pub fn new(arch: &RecognitionArch, layout: Parameters, values: &[f32], device: &Device) -> Self {
        let parameters = OnDevice::new(&layout, values, device);
        Self { arch: arch.clone(), layout, parameters }
    }

    /// All maps of the network for images, as at inference.
    ///
    /// # Shapes
    ///
    /// `images`: `[n, 3, h, w]`, ready for the network; maps: `[n, c, h, w]`.
    pub fn outputs(&self, images: Tensor<4>) -> RecognitionOutputs<Tensor<4>> {
        self.run(Mode { running: true, ..Mode::default() }, images).0
    }

    /// The logits `[n, classes]` of images `[n, 3, h, w]`, and the moments at batch norms, if `mode` uses
    /// those of the batch.
    pub(crate) fn logits(&self, mode: Mode, images: Tensor<4>) -> (Tensor<2>, HashMap<String, Moments>) {
        let (outputs, seen) = self.run(mode, images);
        (outputs.logits.flatten(1, 3), seen)
    }

    /// The gradients with respect to the parameters, in their order; zero for those that are not learnt.
    ///
    /// # Panics
    ///
    /// If the device has no autodiff.
    pub(crate) fn gradients(&self, gradients: &mut Gradients) -> Tensor<1> {
        let gradient = |tensor: &parameters::Tensor| {
            let parameter = &self.parameters.rows[&tensor.name];
            let zeros = || parameter.clone().inner().zeros_like();
            parameter.grad_remove(gradients).unwrap_or_else(zeros)
        };
        Tensor::cat(self.layout.tensors().iter().map(gradient).collect(), 0)
    }

    fn run(
        &self,
        mode: Mode,
        images: Tensor<4>,
    ) -> (RecognitionOutputs<Tensor<4>>, HashMap<String, Moments>) {
        let mut forward = Forward::new(&self.parameters, mode, images.device());
        let outputs = bi_pidinet(&self.arch, &mut forward, &images.into());
        let RecognitionOutputs { stem, stages, features, logits } = outputs;
        let outputs = RecognitionOutputs {
            stem: forward.read(&stem),
            stages: stages.iter().map(|map| forward.read(map)).collect(),
            features: forward.read(&features),
            logits: forward.read(&logits),
        };
        (outputs, forward.seen)
    }
}
