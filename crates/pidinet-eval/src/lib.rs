//! Benchmarks: the BSDS edge benchmark without MATLAB, recognition, face verification.
//!
//! [`files`] reads edge maps, ground truth and data sets of both; [`edges`] matches edges with the truth and scores
//! them; [`classes`] reads images with classes and counts how many are recognised; [`faces`] scores whether two images
//! show the same person; [`figures`] draws curves, and [`results`] writes everything down.
#![forbid(unsafe_code)]

pub mod error;
pub mod files;

pub mod edges;
pub mod classes;
pub mod faces;

pub mod figures;
pub mod results;

pub use error::{Error, Result};
pub use files::ground_truth::GroundTruth;
