//! Kernels of recognition networks, most of whose numbers are signs. A map lies in memory pixel by pixel, all channels
//! of a pixel together.

pub mod finish;
pub mod pack;
pub mod padding;
pub mod real_conv;
mod tiles;
pub mod xnor;
