//! Training of networks for recognition, whose inner convolutions have one bit a weight and activation.
//!
//! Batch norm looks at all images of a batch together, so here a batch goes through the network as one, in
//! shards ([`tape::shard`]) that threads compute at the same time from one batch norm to the next; a map of a shard
//! is a few images above one another ([`tape::stack`]). As for edges, the network is said once, in [`pidinet::arch::recognition`], and
//! recorded on a tape that runs forwards and backwards ([`tape`]), and convolutions are the kernels of
//! [`pidinet_kernels::planes`]. Signs have no gradient: what counts as one is [`signs`].

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
