//! Training of pixel difference networks.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod config;
pub mod data;
pub mod device;
pub mod error;
pub mod loss;
pub mod optimizer;
pub mod parameters;
pub mod recognition;
pub mod run;
pub mod schedule;
mod start;
pub mod tape;
pub mod trainer;

pub use config::Config;
pub use error::{Error, Result};
pub use parameters::Parameters;
