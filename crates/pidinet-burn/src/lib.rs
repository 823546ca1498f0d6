//! Pixel difference networks on [Burn](https://burn.dev), whose backends train them on GPUs.
//!
//! [`Network`] is a network with its parameters on a Burn device: one more interpretation of
//! [`pidinet::arch::pidinet`]; [`RecognitionNetwork`] is one for recognition. [`Accelerator`] is what a
//! training run computes on ([`pidinet_train::device::Device`]): it computes losses and gradients, and
//! `pidinet-train` does everything else of the run. On a CPU, that crate's own device is several times faster
//! than any of Burn's.
//!
//! ```
//! use burn_tensor::{Device, Tensor};
//! use pidinet::arch::Arch;
//! use pidinet::weights::Model;
//! use pidinet_burn::Network;
//!
//! # #[cfg(feature = "cpu")] {
//! let device = Device::flex(); // or Device::cuda(0), with the feature of that name
//! let network = Network::of(&Model::random(Arch::tiny(), 1), &device)?;
//! let images = Tensor::zeros([2, 3, 24, 40], &device);
//! assert_eq!(network.outputs(images).fused.dims(), [2, 1, 24, 40]);
//! # }
//! # Ok::<(), String>(())
//! ```
//!
//! | feature | Burn's backend |
//! |---|---|
//! | `cpu` (default) | Flex, in Rust: for tests |
//! | `cuda` | CUDA, for NVIDIA |
//! | `wgpu` | Vulkan, Metal or DirectX |
#![forbid(unsafe_code)]

mod accelerator;
mod edges;
mod place;
mod recognition;

pub use accelerator::Accelerator;
pub use edges::Network;
pub use recognition::RecognitionNetwork;
