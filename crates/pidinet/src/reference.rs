//! The oracles: both networks in plain f64 loops, against which everything faster is tested.

pub mod edges;
pub mod recognition;
