//! Runs a plan: threads, memory and, on request, the time of each step.
//!
//! The engine streams an image through the network (see `schedule.rs`). A task is a few rows of one step;
//! threads take tasks as they become ready. Each row is computed by one thread in a fixed order, so the
//! result depends neither on the number of threads nor on the height of the strips.

mod arena;
mod crew;
mod machine;
mod run;
mod step;
#[cfg(test)]
mod tests;
mod wide;

pub(crate) use arena::Rows;
pub use machine::Map;
pub(crate) use machine::{Engine, EngineOptions, Run};
