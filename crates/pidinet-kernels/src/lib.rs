//! Kernels of pixel difference networks: slices in, slices out.
//!
//! This crate knows rows, weights and instruction sets. It does not know networks, images, files or
//! threads.

pub mod row;
