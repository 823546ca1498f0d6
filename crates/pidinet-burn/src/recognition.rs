//! Networks for recognition on a device: an interpretation of [`pidinet::arch::binary`].

mod convolution;
mod forward;
mod network;
mod norm;
mod on_burn;
mod parameters;

pub use network::BiNetwork;
pub(crate) use on_burn::OnBurn;
