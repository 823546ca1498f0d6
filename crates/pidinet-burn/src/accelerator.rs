//! What a training run computes on.

use burn_tensor::Device;
use pidinet::arch::Arch;
use pidinet::arch::recognition::RecognitionArch;
#[cfg(any(feature = "cuda", feature = "wgpu", test))]
use pidinet_train::Error;
use pidinet_train::edges::network::Network;
use pidinet_train::recognition::recogniser::Recogniser;
use pidinet_train::{Result, device};

use crate::place::Place;
use crate::{edges, recognition};

/// A device of Burn, to train on.
///
/// Images of a batch that have the same size are computed together. Sums have no fixed order, so two runs
/// do not give bit-identical weights.
#[derive(Clone, Debug)]
pub struct Accelerator(Place);

impl Accelerator {
    /// All devices that this build has and this machine can run, and why the others do not work.
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
        Self(Place { name: "cpu", device: Device::flex() })
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

    /// The best GPU that Vulkan, Metal or DirectX offers.
    ///
    /// # Errors
    ///
    /// If there is none that works.
    #[cfg(feature = "wgpu")]
    pub fn wgpu() -> Result<Self> {
        Self::working("wgpu", || Device::wgpu(Default::default()))
    }

    /// A device after a test that adds two numbers; Burn panics if a driver is missing.
    #[cfg(any(feature = "cuda", feature = "wgpu", test))]
    fn working(name: &'static str, device: impl FnOnce() -> Device) -> Result<Self> {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        let probe = || {
            let device = device();
            let two = burn_tensor::Tensor::<1>::ones([1], &device) + 1.0;
            two.try_into_data().map(|_| device).map_err(|error| error.to_string())
        };
        let device = catch_unwind(AssertUnwindSafe(probe)).unwrap_or_else(|panic| Err(said(&*panic)));
        match device {
            Ok(device) => Ok(Self(Place { name, device })),
            Err(reason) => Err(Error::Device { device: name.to_owned(), reason }),
        }
    }

    /// The device as Burn knows it.
    pub fn device(&self) -> &Device {
        &self.0.device
    }
}

/// The message of a panic.
#[cfg(any(feature = "cuda", feature = "wgpu", test))]
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no reason given").to_owned()
}

impl device::Device for Accelerator {
    fn name(&self) -> &str {
        self.0.name
    }

    fn network(&self, arch: &Arch) -> Box<dyn Network> {
        Box::new(edges::OnBurn::new(self.0.clone(), arch))
    }

    fn recogniser(&self, arch: &RecognitionArch) -> Box<dyn Recogniser> {
        Box::new(recognition::OnBurn::new(self.0.clone(), arch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        let error = Accelerator::working("cuda", || panic!("no driver")).unwrap_err().to_string();
        assert_eq!(error, "cuda failed: no driver; everything saved so far is intact");
    }
}
