//! Pixel difference networks: the edges in an image, fast, on any CPU.
#![forbid(unsafe_code)]

pub mod arch;
pub mod detector;
pub mod edges;
pub mod engine;
pub mod error;
pub mod image;
pub mod models;
mod plan;
pub mod post;
pub mod reparam;
pub mod save;
pub mod weights;

pub use detector::{Detection, EdgeDetector, Options};
pub use edges::EdgeMap;
pub use error::{Error, Result};
