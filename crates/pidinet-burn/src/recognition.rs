//! Networks for recognition on a device: an interpretation of [`pidinet::arch::recognition`].

use std::collections::HashMap;

use burn_tensor::{Device, FloatDType, Gradients, Tensor, TensorData};
use pidinet::arch::recognition::{RecognitionArch, RecognitionOutputs, bi_pidinet};
use pidinet::weights::RecognitionModel;
use pidinet_train::recognition::tape::{self, Mode, Tape};

use forward::Forward;

mod convolution;
mod forward;
mod norm;
mod recogniser;

pub(crate) use norm::Moments;
pub(crate) use recogniser::OnBurn;

/// A network for recognition with its parameters on a device.
///
/// With [`Mode::running`] it computes what `docs/numerics.md` says, in that order: the signs, and the logits, are
/// those of the engine, on a device that has f64 and does not fuse multiply-adds.
#[derive(Debug)]
pub struct BiNetwork {
    arch: RecognitionArch,
    layout: Vec<tape::Tensor>,
    /// The values of the parameters, by their names.
    values: HashMap<String, Vec<f32>>,
    /// The same on the device, each in one row.
    parameters: HashMap<String, Tensor<1>>,
    /// What sums that must be exact are computed in.
    wide: FloatDType,
}

impl BiNetwork {
    /// The network of a model.
    pub fn of(model: &RecognitionModel, device: &Device) -> Self {
        let tape = Tape::new(&model.arch);
        let names = tape.tensors().iter().map(|tensor| &tensor.parameter.name);
        let values: Vec<f32> = names.flat_map(|name| &model.weights[name].data).copied().collect();
        Self::new(&model.arch, tape.tensors(), &values, device)
    }

    /// The network of an architecture with these values of its parameters. On a device with autodiff they are what
    /// is differentiated by.
    ///
    /// # Panics
    ///
    /// If there are fewer values than `layout` says.
    pub fn new(arch: &RecognitionArch, layout: &[tape::Tensor], values: &[f32], device: &Device) -> Self {
        let named = layout.iter().map(|tensor| (tensor.parameter.name.clone(), tensor.range.clone()));
        let values: HashMap<String, Vec<f32>> =
            named.map(|(name, range)| (name, values[range].to_vec())).collect();
        let parameter = |(name, values): (&String, &Vec<f32>)| {
            let row = Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device);
            (name.clone(), if device.is_autodiff() { row.require_grad() } else { row })
        };
        let parameters = values.iter().map(parameter).collect();
        let wide = if device.supports_dtype(FloatDType::F64) { FloatDType::F64 } else { FloatDType::F32 };
        Self { arch: arch.clone(), layout: layout.to_vec(), values, parameters, wide }
    }

    /// Every map that the network makes of images, as at inference.
    ///
    /// # Shapes
    ///
    /// `images`: `[n, 3, h, w]`, ready for the network; maps: `[n, c, h, w]`.
    pub fn outputs(&self, images: Tensor<4>) -> RecognitionOutputs<Tensor<4>> {
        self.run(Mode { running: true, ..Mode::default() }, images).0
    }

    /// The logits `[n, classes]` of images `[n, 3, h, w]`, and what batch norms saw, if `mode` lets them look.
    pub(crate) fn logits(&self, mode: Mode, images: Tensor<4>) -> (Tensor<2>, HashMap<String, Moments>) {
        let (outputs, seen) = self.run(mode, images);
        (outputs.logits.flatten(1, 3), seen)
    }

    /// The gradients by the parameters, in their order; zero for those that are not learnt.
    ///
    /// # Panics
    ///
    /// If the device has no autodiff.
    pub(crate) fn gradients(&self, gradients: &mut Gradients) -> Tensor<1> {
        let gradient = |tensor: &tape::Tensor| {
            let parameter = &self.parameters[&tensor.parameter.name];
            let zeros = || parameter.clone().inner().zeros_like();
            parameter.grad_remove(gradients).unwrap_or_else(zeros)
        };
        Tensor::cat(self.layout.iter().map(gradient).collect(), 0)
    }

    fn run(
        &self,
        mode: Mode,
        images: Tensor<4>,
    ) -> (RecognitionOutputs<Tensor<4>>, HashMap<String, Moments>) {
        let mut forward = Forward::new(self, mode, images.device());
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
