//! What a training run computes on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use burn_tensor::{Device, Tensor, TensorData};
use pidinet::arch::Arch;
use pidinet::arch::recognition::RecognitionArch;
use pidinet_train::data::augment::Sample;
use pidinet_train::device;
use pidinet_train::loss::Loss;
use pidinet_train::{Error, Parameters, Result};

use crate::loss::Asked;
use crate::{Network, recognition};

/// A device of Burn, to train on.
///
/// Images of a batch that have the same size are computed together. Sums are in no fixed order, so two runs
/// do not give the same weights bit for bit.
#[derive(Clone, Debug)]
pub struct Accelerator {
    name: &'static str,
    device: Device,
}

impl Accelerator {
    /// All that this build has and this machine can run, and why not the others.
    pub fn all() -> Vec<Result<Self>> {
        vec![
            #[cfg(feature = "cpu")]
            Ok(Self::cpu()),
            #[cfg(feature = "cuda")]
            Self::cuda(),
            #[cfg(feature = "wgpu")]
            Self::wgpu(),
        ]
    }

    /// The CPU, by Burn's Flex backend.
    #[cfg(feature = "cpu")]
    pub fn cpu() -> Self {
        Self { name: "cpu", device: Device::flex() }
    }

    /// The first NVIDIA GPU.
    ///
    /// # Errors
    ///
    /// If there is none that works.
    #[cfg(feature = "cuda")]
    pub fn cuda() -> Result<Self> {
        Self::working("cuda", || Device::cuda(0))
    }

    /// The best GPU that Vulkan, Metal or DirectX offer.
    ///
    /// # Errors
    ///
    /// If there is none that works.
    #[cfg(feature = "wgpu")]
    pub fn wgpu() -> Result<Self> {
        Self::working("wgpu", || Device::wgpu(Default::default()))
    }

    /// A device that could add two numbers; Burn panics where a driver is missing.
    #[cfg(any(feature = "cuda", feature = "wgpu", test))]
    fn working(name: &'static str, device: impl FnOnce() -> Device) -> Result<Self> {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        let probe = || {
            let device = device();
            let two = Tensor::<1>::ones([1], &device) + 1.0;
            two.try_into_data().map(|_| device).map_err(|error| error.to_string())
        };
        let device = catch_unwind(AssertUnwindSafe(probe)).unwrap_or_else(|panic| Err(said(&*panic)));
        match device {
            Ok(device) => Ok(Self { name, device }),
            Err(reason) => Err(Error::Device { device: name.to_owned(), reason }),
        }
    }

    /// Burn's name of it.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The numbers of a tensor.
    pub(crate) fn numbers<const D: usize>(&self, tensor: Tensor<D>) -> Result<Vec<f32>> {
        let failed = |reason: String| Error::Device { device: self.name.to_owned(), reason };
        let data = tensor.try_into_data().map_err(|error| failed(error.to_string()))?;
        data.try_into_vec_as().map_err(|error| failed(error.to_string()))
    }
}

/// What a panic said.
#[cfg(any(feature = "cuda", feature = "wgpu", test))]
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no reason given").to_owned()
}

impl device::Device for Accelerator {
    fn name(&self) -> &str {
        self.name
    }

    fn network(&self, arch: &Arch) -> Box<dyn device::Network> {
        let layout = Parameters::of(arch);
        Box::new(OnBurn { arch: arch.clone(), layout, accelerator: self.clone() })
    }

    fn recogniser(&self, arch: &RecognitionArch) -> Box<dyn device::Recogniser> {
        Box::new(recognition::OnBurn::new(self.clone(), arch))
    }
}

#[derive(Debug)]
struct OnBurn {
    arch: Arch,
    layout: Parameters,
    accelerator: Accelerator,
}

impl OnBurn {
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

impl device::Network for OnBurn {
    fn differentiate(
        &self,
        parameters: &[f32],
        loss: &Loss,
        samples: &[Sample],
        divisor: f32,
    ) -> Result<(f64, Vec<f32>)> {
        let device = self.accelerator.device.clone().autodiff();
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
            let gradients = self.accelerator.numbers(network.gradients(&mut gradients))?;
            sum.iter_mut().zip(gradients).for_each(|(sum, gradient)| *sum += gradient / divisor);
            total += self.accelerator.numbers(loss.inner())?.into_iter().map(f64::from).sum::<f64>();
        }
        Ok((total, sum))
    }

    fn fixed<'a>(&'a self, parameters: &[f32]) -> Box<dyn device::Fixed + 'a> {
        let network = self.network(parameters, &self.accelerator.device);
        Box::new(Fixed { place: self, network: Mutex::new(network) })
    }
}

/// One image at a time: the device is busy with that, whoever asks.
struct Fixed<'a> {
    place: &'a OnBurn,
    network: Mutex<Network>,
}

impl device::Fixed for Fixed<'_> {
    fn logits(&self, sample: &Sample) -> Result<[Vec<f32>; 5]> {
        let network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let logits = network.logits(images(&[sample], &self.place.accelerator.device));
        let numbers = self.place.accelerator.numbers(logits)?;
        let area = sample.height * sample.width;
        Ok(std::array::from_fn(|map| numbers[map * area..(map + 1) * area].to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        let error = Accelerator::working("cuda", || panic!("no driver")).unwrap_err().to_string();
        assert_eq!(error, "cuda failed: no driver; what was saved before is whole");
    }
}
