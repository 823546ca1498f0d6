//! Training of networks that find edges.
//!
//! The network is defined once, in [`pidinet::arch`], and recorded on a tape that runs forward and backward
//! ([`tape`]). A sample is an image of any size with its labels ([`sample`]), and each goes through the
//! network on its own.

pub mod config;
pub(crate) mod cpu;
pub mod data;
pub mod loss;
mod memory;
pub mod network;
pub mod run;
pub mod sample;
mod start;
pub mod tape;
pub mod trainer;
mod validate;
mod widen;
