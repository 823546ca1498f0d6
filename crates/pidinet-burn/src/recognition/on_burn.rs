//! Computes a training run's recognition network.

use burn_tensor::activation::log_softmax;
use burn_tensor::{Device, Tensor, TensorData};
use pidinet::arch::recognition::RecognitionArch;
use pidinet_train::recognition::batch::Batch;
use pidinet_train::recognition::recogniser::MOMENTUM;
use pidinet_train::recognition::recogniser::Recogniser;
use pidinet_train::recognition::tape::Mode;
use pidinet_train::{Parameters, Result};

use super::network::RecognitionNetwork;
use crate::place::Place;

/// A recognition network on a Burn device.
#[derive(Debug)]
pub(crate) struct OnBurn {
    place: Place,
    arch: RecognitionArch,
    layout: Parameters,
}

impl OnBurn {
    pub(crate) fn new(place: Place, arch: &RecognitionArch) -> Self {
        Self { place, arch: arch.clone(), layout: Parameters::of_recognition(arch) }
    }

    fn network(&self, parameters: &[f32], device: &Device) -> RecognitionNetwork {
        RecognitionNetwork::new(&self.arch, self.layout.clone(), parameters, device)
    }
}

/// Images of one size, `[n, 3, h, w]`.
fn images(images: &[f32], (height, width): (usize, usize), device: &Device) -> Tensor<4> {
    let shape = [images.len() / (3 * height * width), 3, height, width];
    Tensor::from_data(TensorData::new(images.to_vec(), shape), device)
}

impl Recogniser for OnBurn {
    fn differentiate(
        &mut self,
        mode: Mode,
        parameters: &mut [f32],
        batch: &Batch,
    ) -> Result<(f64, Vec<f32>)> {
        let device = self.place.device.clone().autodiff();
        let network = self.network(parameters, &device);
        let (logits, seen) = network.logits(mode, images(&batch.images, batch.size, &device));
        let targets = TensorData::new(batch.targets.clone(), logits.dims());
        let count = logits.dims()[0] as f32;
        let loss = -(log_softmax(logits, 1) * Tensor::from_data(targets, &device)).sum();
        let mut gradients = (loss.clone() / count).backward();
        // Everything is read back at once, so a step waits for the device only once.
        let mut parts = vec![loss.inner(), network.gradients(&mut gradients)];
        let mut places = Vec::new();
        for tensor in self.layout.tensors() {
            let name = &tensor.name;
            let seen = |suffix| name.strip_suffix(suffix).and_then(|name| seen.get(name));
            if let Some(moments) = seen(".running_mean") {
                parts.push(moments.mean.clone().inner());
            } else if let Some(moments) = seen(".running_var") {
                // The unbiased variance is a little more than that of the sample.
                let whole = moments.count as f32 / (moments.count as f32 - 1.0).max(1.0);
                parts.push(moments.variance.clone().inner() * whole);
            } else {
                continue;
            }
            places.push(tensor.range.clone());
        }
        let numbers = self.place.numbers(Tensor::cat(parts, 0))?;
        let (loss, numbers) = numbers.split_first().expect("a loss was read");
        let (gradients, seen) = numbers.split_at(parameters.len());
        for (kept, of) in places.into_iter().flatten().zip(seen) {
            parameters[kept] += MOMENTUM * (of - parameters[kept]);
        }
        Ok((f64::from(*loss), gradients.to_vec()))
    }

    fn logits(
        &mut self,
        mode: Mode,
        parameters: &[f32],
        inputs: &[f32],
        size: (usize, usize),
    ) -> Result<Vec<f32>> {
        let device = &self.place.device;
        let (logits, _) = self.network(parameters, device).logits(mode, images(inputs, size, device));
        self.place.numbers(logits)
    }
}
