//! Recognition networks on a device: an interpretation of [`pidinet::arch::recognition`].

mod convolution;
mod forward;
mod network;
mod norm;
mod on_burn;
mod parameters;

pub use network::RecognitionNetwork;
pub(crate) use on_burn::OnBurn;
