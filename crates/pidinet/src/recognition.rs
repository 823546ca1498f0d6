//! Recognition: what an image shows, or whose face it is.
//!
//! [`Classifier`] is what most users need. A model becomes a plan, and an engine computes the maps of an
//! image one after another.

mod classifier;
mod engine;
mod input;
mod lower;
mod plan;
#[cfg(test)]
mod tests;

pub use crate::steps::StepStats;
pub use classifier::{Classification, Classifier, ClassifierOptions, unit};
pub use input::pixels;
