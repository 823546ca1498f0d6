//! Training of pixel difference networks.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod device;
pub mod edges;
pub mod error;
pub mod learner;
pub mod optimizer;
pub mod parameters;
mod queue;
mod random;
pub mod recognition;
pub mod run;
pub mod schedule;
pub mod settings;

pub use error::{Error, Result};
pub use parameters::Parameters;
