//! The edge detector for web pages: what the npm package `pidinet` is compiled from (`cargo xtask web`).
//!
//! Pixels go in as `ImageData` has them, maps come out. Everything here takes its time and returns: what keeps a page
//! alive meanwhile, workers, cameras and files, is in JavaScript (`package/src`).
#![forbid(unsafe_code)]

mod detector;
mod finish;
mod map;
mod problem;

pub use detector::Detector;
pub use finish::Finish;
pub use map::Map;
pub use problem::Problem;
