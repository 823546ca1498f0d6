//! Edge networks on a device: an interpretation of [`pidinet::arch::pidinet`].

mod forward;
mod loss;
mod network;
mod on_burn;

pub use network::Network;
pub(crate) use on_burn::OnBurn;
