//! The references: both networks in plain f64 loops. Everything faster is tested against them.

pub mod edges;
pub mod recognition;
