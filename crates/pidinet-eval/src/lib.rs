//! Benchmarks: the BSDS edge benchmark without MATLAB, recognition, face verification.
//!
//! [`dataset`] pairs predictions with truth, [`predictions`] and [`ground_truth`] read them,
//! [`evaluate`](mod@evaluate) gives the counts of an image and [`score`] the scores of many, and
//! [`results`] writes them down: the benchmark's text files, plots, a page with pictures. [`classes`] reads images with
//! classes and counts which are found; [`faces`] scores whether two images show the same person.
#![forbid(unsafe_code)]

pub mod dataset;
pub mod error;
pub mod ground_truth;
pub mod levels;
pub mod mat5;
mod npy;
mod numbers;
mod plane;
pub mod predictions;

pub mod assignment;
pub mod counts;
pub mod curve;
pub mod evaluate;
pub mod matching;
pub mod score;
pub mod best_of;

pub mod classes;
pub mod faces;

mod base64;
pub mod chart;
pub mod figure;
mod glyphs;
pub mod pictures;
pub mod plot;
pub mod raster;
pub mod report;
pub mod results;
pub mod store;
pub mod summary;
pub mod svg;
pub mod toolbox;

pub use error::{Error, Result};
pub use ground_truth::GroundTruth;
