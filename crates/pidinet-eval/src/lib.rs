//! The BSDS edge benchmark.
#![forbid(unsafe_code)]

pub mod dataset;
pub mod error;
mod grey;
pub mod ground_truth;
pub mod mat5;
mod npy;
mod numbers;
pub mod predictions;

pub use error::{Error, Result};
pub use ground_truth::GroundTruth;
