//! Kernels of edge networks. A map lies in memory row by row, all channels of a [`row`] together.

pub mod block;
pub mod dense;
pub mod depthwise;
pub mod dilated;
pub mod elementwise;
mod matrix;
pub mod packed;
pub mod pool;
pub mod resize;
pub mod row;
#[cfg(test)]
mod tests;
mod tile;
mod window;
