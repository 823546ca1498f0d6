//! Kernels of recognition networks, which mostly compute with signs. A map lies in memory pixel by pixel, all
//! channels of a pixel together.

pub mod finish;
pub mod pack;
pub mod padding;
pub mod real_conv;
mod tiles;
pub mod xnor;
