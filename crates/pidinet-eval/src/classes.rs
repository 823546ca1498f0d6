//! Images with a class each: folders or archives of them, and the batches of CIFAR; and counting how many are
//! recognised.

mod class_set;
mod sample;

mod archive;
mod cifar;
mod content;
mod files;

mod confusion;

pub use class_set::ClassSet;
pub use confusion::{Confusion, TOP};
