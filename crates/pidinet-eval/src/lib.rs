//! The BSDS edge benchmark.
#![forbid(unsafe_code)]

pub mod assignment;
pub mod counts;
pub mod curve;
pub mod dataset;
pub mod error;
pub mod evaluate;
mod grey;
pub mod ground_truth;
pub mod mat5;
pub mod matching;
mod npy;
mod numbers;
pub mod predictions;
pub mod score;

pub use error::{Error, Result};
pub use ground_truth::GroundTruth;
