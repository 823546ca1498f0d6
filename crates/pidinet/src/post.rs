//! After the network: thinner, binary, or stylised edges, from any edge map.

mod bends;
pub mod hysteresis;
pub mod mask;
pub mod nms;
pub mod overlay;
pub mod styles;
pub mod thin;
pub mod threshold;

pub use hysteresis::hysteresis;
pub use mask::Mask;
pub use nms::{Suppression, suppress};
pub use overlay::overlay;
pub use styles::{Style, safe, scribble};
pub use thin::thin;
pub use threshold::{invert, keep, normalize, threshold};
