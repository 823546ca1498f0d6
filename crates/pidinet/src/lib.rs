//! Pixel difference networks: the edges in an image, fast, on any CPU.
#![forbid(unsafe_code)]

pub mod arch;
pub mod edges;
pub mod error;
pub mod image;
pub mod post;
pub mod reparam;
pub mod save;
pub mod weights;

pub use edges::EdgeMap;
pub use error::{Error, Result};
