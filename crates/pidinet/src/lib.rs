//! Pixel difference networks: the edges in an image, fast, on any CPU.
//!
//! [`EdgeDetector`] is what most users need: it takes an [`image::Image`] and returns an [`EdgeMap`],
//! which [`post`] makes thin, binary or stylised, and [`save`] writes.
//!
//! ```
//! use pidinet::image::{Image, PixelFormat, PixelLayout};
//! use pidinet::weights::{Model, OpenOptions};
//! use pidinet::{DetectorOptions, EdgeDetector, Size};
//!
//! let model = Model::read(pidinet::models::DEFAULT.bytes, &OpenOptions::default())?;
//! let detector = EdgeDetector::new(&model, &DetectorOptions::default())?;
//! let half = |index: usize| if index % 64 < 32 { 40 } else { 200 }; // dark left, bright right
//! let grey: Vec<u8> = (0..64 * 48).map(half).collect();
//! let image = Image::from_u8(&grey, &PixelLayout::packed(Size { height: 48, width: 64 }, PixelFormat::Grey))?;
//! let edges = detector.detect(&image)?.edges;
//! assert!(edges.row(24)[32] > 0.5 && edges.row(24)[8] < 0.1);
//! # Ok::<(), pidinet::Error>(())
//! ```
//!
//! The modules are listed in the order in which data flows through them: an image, the [network](arch),
//! defined once, and its [weights], [folded](reparam) into ordinary ones, planned, and run by the
//! engines of [edges] and [recognition]; int8 needs a [calibration].
#![forbid(unsafe_code)]

pub mod files;
mod size;
mod steps;
mod half;
mod atomic;
pub mod threads;
mod workers;
pub mod image;
pub mod arch;
pub mod weights;
pub mod models;
pub mod reparam;
pub mod calibration;
pub mod reference;
mod edge_map;
pub mod edges;
pub mod recognition;
pub mod post;
pub mod lines;
pub mod video;
pub mod save;
pub mod onnx;
pub mod error;

pub use edge_map::EdgeMap;
pub use edges::{Detection, DetectorOptions, EdgeDetector};
pub use error::{Error, Result, UnknownName};
pub use pidinet_kernels::isa::{Isa, IsaError};
pub use recognition::{Classification, Classifier, ClassifierOptions};
pub use size::Size;
pub use steps::StepStats;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct OwnReadme;
