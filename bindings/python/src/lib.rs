//! What the Python package `pidinet` is made of: the library, as a module `pidinet._pidinet` that is not for users.
//!
//! Classes and functions here take what the package's Python code has brought into shape: contiguous arrays of the right
//! type and known words. They give back errors of Python, and let other threads run while they compute.
#![forbid(unsafe_code)]
// Arguments of functions for Python are values that Python made.
#![allow(clippy::needless_pass_by_value)]

use pyo3::prelude::*;

mod classifier;
mod detector;
mod errors;
mod evaluation;
mod lines;
mod logger;
mod maps;
mod model;
mod picture;

/// The compiled half of the package `pidinet`; use the package.
#[pymodule(name = "_pidinet")]
mod module {
    #[pymodule_export]
    use crate::classifier::Classifier;
    #[pymodule_export]
    use crate::detector::Detector;
    #[pymodule_export]
    use crate::errors::ModelError;
    #[pymodule_export]
    use crate::evaluation::{match_masks, plot, score_arrays, score_folders, write_scores};
    #[pymodule_export]
    use crate::lines::{draw, simplify, trace, trace_defaults, write_lines, write_text};
    #[pymodule_export]
    use crate::maps::{encode, hysteresis, nms, overlay, resize, save, style, thin};
    #[pymodule_export]
    use crate::model::{Model, RecognitionModel, build_info, embedded, near, open_model, read_model};
    #[pymodule_export]
    use crate::picture::Picture;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn start(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::logger::start();
        Ok(())
    }
}
