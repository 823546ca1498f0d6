//! Reads MATLAB's version 5 files, the format of BSDS500's ground truth, strictly.
//!
//! Compressed and plain elements, both byte orders, all real numeric classes, text, cells and
//! structs. Objects, functions, sparse and complex arrays are skipped by name; version 4 and 7.3
//! files are refused by name. Nothing is trusted: sizes, depth and the number of values are limited
//! before anything is allocated, so that a hostile file gives an error and never uses more than [`Limits`].
//!
//! The format is MathWorks' "MAT-File Format" (R2019b), the "Level 5 MAT-File" part.

mod error;
mod read;
#[cfg(test)]
mod tests;
mod value;
#[cfg(test)]
pub(crate) mod write;

pub use super::numbers::{Numbers, row_major};
pub use error::{Limits, MatError};
pub use value::{Array, MatFile, Record, Value};
