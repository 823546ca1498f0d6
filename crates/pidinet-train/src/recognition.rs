//! Training of recognition networks, whose inner convolutions have one bit for each weight and activation.
//!
//! Batch norm looks at all images of a batch together, so here a whole batch goes through the network at
//! once, in shards ([`tape::shard`]) that threads compute in parallel from one batch norm to the next; a map
//! of a shard is a few images stacked on top of each other ([`tape::stack`]). As for edges, the network is
//! defined once, in [`pidinet::arch::recognition`], and recorded on a tape that runs forward and backward
//! ([`tape`]), and convolutions use the kernels of [`pidinet_kernels::planes`]. Signs have no gradient;
//! [`signs`] has what replaces it.

pub mod batch;
pub mod config;
pub mod data;
pub mod loss;
pub mod recogniser;
pub mod run;
pub mod signs;
pub mod tape;
pub mod trainer;

pub(crate) mod cpu;
