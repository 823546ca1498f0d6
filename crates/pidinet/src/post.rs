//! After the network: thinner, binary, or stylised edges, from any edge map.

pub mod mask;
pub mod nms;
pub mod thin;

pub use mask::Mask;
pub use nms::{Suppression, suppress};
pub use thin::thin;
