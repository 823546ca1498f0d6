//! The classifier.

use std::num::NonZeroUsize;

use numpy::{IntoPyArray, PyArray1};
use pidinet::{ClassifierOptions, Isa};
use pyo3::prelude::*;

use crate::errors::{raised, wrong};
use crate::model::RecognitionModel;
use crate::picture::Picture;

/// A model for recognition, ready to run.
#[pyclass(frozen, module = "pidinet._pidinet")]
pub(crate) struct Classifier(pidinet::Classifier);

/// Logits and features of a picture.
type Found<'py> = (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<f32>>);

#[pymethods]
impl Classifier {
    #[new]
    fn new(
        py: Python<'_>,
        model: &RecognitionModel,
        threads: Option<NonZeroUsize>,
        isa: Option<&str>,
    ) -> PyResult<Self> {
        let options = ClassifierOptions { threads, isa: isa.map(Isa::named).transpose().map_err(wrong)? };
        py.detach(|| pidinet::Classifier::new(&model.0, &options)).map(Self).map_err(raised)
    }

    /// Logits and features of each picture.
    fn classify<'py>(&self, py: Python<'py>, pictures: Vec<PyRef<'py, Picture>>) -> Vec<Found<'py>> {
        let images: Vec<_> = pictures.iter().map(|picture| picture.0.clone()).collect();
        let found = py.detach(|| self.0.classify_all(&images));
        found
            .into_iter()
            .map(|found| (found.logits.into_pyarray(py), found.features.into_pyarray(py)))
            .collect()
    }

    #[getter]
    fn labels(&self) -> Vec<String> {
        (0..self.0.classes()).map(|class| self.0.label(class)).collect()
    }

    #[getter]
    fn threads(&self) -> usize {
        self.0.threads()
    }

    #[getter]
    fn isa(&self) -> &'static str {
        self.0.isa()
    }
}
