//! Computes a training run's edge network.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use burn_tensor::{Device, Tensor, TensorData};
use pidinet::arch::Arch;
use pidinet_train::edges::loss::Loss;
use pidinet_train::edges::network;
use pidinet_train::edges::sample::Sample;
use pidinet_train::{Parameters, Result};

use super::loss::Asked;
use super::network::Network;
use crate::place::Place;

/// An edge network on a Burn device.
#[derive(Debug)]
pub(crate) struct OnBurn {
    arch: Arch,
    layout: Parameters,
    place: Place,
}

impl OnBurn {
    pub(crate) fn new(place: Place, arch: &Arch) -> Self {
        Self { arch: arch.clone(), layout: Parameters::of(arch), place }
    }

    fn network(&self, parameters: &[f32], device: &Device) -> Network {
        Network::new(&self.arch, self.layout.clone(), parameters, device)
    }
}

/// The images of samples of equal size, `[n, 3, h, w]`.
fn images(samples: &[&Sample], device: &Device) -> Tensor<4> {
    let values: Vec<f32> = samples.iter().flat_map(|sample| sample.image.iter().copied()).collect();
    let shape = [samples.len(), 3, samples[0].height, samples[0].width];
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl network::Network for OnBurn {
    fn differentiate(
        &self,
        parameters: &[f32],
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<(f64, Vec<f32>)> {
        let device = self.place.device.clone().autodiff();
        let network = self.network(parameters, &device);
        let mut sizes: BTreeMap<(usize, usize), Vec<&Sample>> = BTreeMap::new();
        for sample in samples {
            sizes.entry((sample.height, sample.width)).or_default().push(sample);
        }
        let (mut total, mut sum) = (0.0, vec![0.0; parameters.len()]);
        for samples in sizes.into_values() {
            let logits = network.logits(images(&samples, &device));
            let loss = Asked::new(loss, &samples, &device).loss(logits);
            let mut gradients = loss.backward();
            let gradients = self.place.numbers(network.gradients(&mut gradients))?;
            sum.iter_mut().zip(gradients).for_each(|(sum, gradient)| *sum += gradient / divisor);
            total += self.place.numbers(loss.inner())?.into_iter().map(f64::from).sum::<f64>();
        }
        Ok((total, sum))
    }

    fn fixed<'a>(&'a self, parameters: &[f32]) -> Box<dyn network::Fixed + 'a> {
        let network = self.network(parameters, &self.place.device);
        Box::new(Fixed { place: &self.place, network: Mutex::new(network) })
    }
}

/// One image at a time: that keeps the device busy, however many threads ask.
struct Fixed<'a> {
    place: &'a Place,
    network: Mutex<Network>,
}

impl network::Fixed for Fixed<'_> {
    fn logits(&self, sample: &Sample) -> Result<[Vec<f32>; 5]> {
        let network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let logits = network.logits(images(&[sample], &self.place.device));
        let numbers = self.place.numbers(logits)?;
        let area = sample.height * sample.width;
        Ok(std::array::from_fn(|map| numbers[map * area..(map + 1) * area].to_vec()))
    }
}
