//! The detector.

use std::num::NonZeroUsize;

use numpy::{IntoPyArray, PyArray3, PyArrayMethods, PyReadwriteArray2, PyUntypedArrayMethods};
use pidinet::edges::Strip;
use pidinet::{DetectorOptions, EdgeDetector, Isa};
use pyo3::prelude::*;

use crate::errors::{raised, wrong};
use crate::model::Model;
use crate::picture::Picture;

/// A model, ready to find edges.
#[pyclass(frozen, module = "pidinet._pidinet")]
pub(crate) struct Detector(EdgeDetector);

/// Where a map is written: `[height, width]`, without gaps.
#[derive(FromPyObject)]
pub(crate) enum Out<'py> {
    F32(PyReadwriteArray2<'py, f32>),
    U8(PyReadwriteArray2<'py, u8>),
}

#[pymethods]
impl Detector {
    /// `strip`: rows at a time, 0 for all of them, None for as many as are good.
    #[new]
    #[expect(clippy::too_many_arguments, reason = "each is an option of the Python class")]
    fn new(
        py: Python<'_>,
        model: &Model,
        threads: Option<NonZeroUsize>,
        precision: &str,
        scales: Vec<f32>,
        preset: Option<&str>,
        isa: Option<&str>,
        strip: Option<usize>,
        sides: bool,
    ) -> PyResult<Self> {
        let options = DetectorOptions {
            threads,
            isa: isa.map(Isa::named).transpose().map_err(wrong)?,
            precision: precision.parse().map_err(wrong)?,
            strip: strip
                .map_or(Strip::Auto, |rows| NonZeroUsize::new(rows).map_or(Strip::Whole, Strip::Rows)),
            sides,
            scales,
            preset: preset.map(str::parse).transpose().map_err(wrong)?,
        };
        py.detach(|| EdgeDetector::new(&model.0, &options)).map(Self).map_err(raised)
    }

    /// Writes the edges of a picture into an array of its size.
    fn detect_into(&self, py: Python<'_>, picture: &Picture, out: Out<'_>) -> PyResult<()> {
        let image = &picture.0;
        match out {
            Out::F32(mut out) => {
                let (row, dst) = (out.shape()[1], out.as_slice_mut()?);
                py.detach(|| self.0.detect_into(image, dst, row))
            }
            Out::U8(mut out) => {
                let (row, dst) = (out.shape()[1], out.as_slice_mut()?);
                py.detach(|| self.0.detect_into_u8(image, dst, row))
            }
        }
        .map_err(raised)
    }

    /// The edges of a picture, and what the four stages see: `[5, height, width]`.
    fn detect_all<'py>(&self, py: Python<'py>, picture: &Picture) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let detection = py.detach(|| self.0.detect(&picture.0)).map_err(raised)?;
        let sides = detection.sides.into_iter().flatten();
        let maps: Vec<f32> =
            std::iter::once(detection.edges).chain(sides).flat_map(|map| map.into_data()).collect();
        let size = picture.0.size();
        let shape = [maps.len() / size.pixels(), size.height, size.width];
        maps.into_pyarray(py).reshape(shape)
    }

    #[getter]
    fn threads(&self) -> usize {
        self.0.threads()
    }

    #[getter]
    fn precision(&self) -> String {
        self.0.precision().to_string()
    }

    #[getter]
    fn isa(&self) -> &'static str {
        self.0.isa()
    }
}
