//! Models: those that are built in, and files.

use std::path::PathBuf;

use pidinet::arch::binary::survey::BiSurvey;
use pidinet::arch::survey::Survey;
use pidinet::models;
use pidinet::weights::{self, BiModel, ModelInfo, ModelLimits, OpenOptions};
use pidinet_kernels::isa::Isa;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::{raised, unusable, wrong};

/// A model that finds edges.
#[pyclass(frozen, module = "pidinet._pidinet")]
pub(crate) struct Model(pub(crate) weights::Model);

#[pymethods]
impl Model {
    /// A model that is built in.
    #[staticmethod]
    fn named(py: Python<'_>, name: &str) -> PyResult<Self> {
        py.detach(|| models::open(name)).map(Self).map_err(raised)
    }

    /// The model at a detail, of the pair that is built in under this name.
    #[staticmethod]
    fn at_detail(py: Python<'_>, name: &str, detail: f64) -> PyResult<Self> {
        py.detach(|| Ok(models::pair(name)?.at(detail)?)).map(Self).map_err(raised)
    }

    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, config: Option<&str>, theta: Option<f32>) -> PyResult<Self> {
        let options = options(config, theta)?;
        py.detach(|| weights::Model::open(path, &options)).map(Self).map_err(raised)
    }

    #[staticmethod]
    fn read(py: Python<'_>, bytes: &[u8], config: Option<&str>, theta: Option<f32>) -> PyResult<Self> {
        let options = options(config, theta)?;
        py.detach(|| weights::Model::read(bytes, &options)).map(Self).map_err(unusable)
    }

    fn mixed(&self, py: Python<'_>, other: &Self, share: f64) -> PyResult<Self> {
        py.detach(|| weights::Model::mix(&self.0, &other.0, share)).map(Self).map_err(unusable)
    }

    /// The content of a safetensors file with the model.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.to_bytes()).map_err(unusable)?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path)).map_err(raised)
    }

    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = dict(py, &self.0.info)?;
        info.set_item("task", "edges")?;
        info.set_item("preset", self.0.info.preset.to_string())?;
        info.set_item("parameters", Survey::of(&self.0.arch, 8, 8).parameter_count())?;
        Ok(info)
    }
}

/// A model for recognition.
#[pyclass(frozen, module = "pidinet._pidinet")]
pub(crate) struct RecognitionModel(pub(crate) BiModel);

#[pymethods]
impl RecognitionModel {
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| BiModel::open(path, &ModelLimits::default())).map(Self).map_err(raised)
    }

    #[staticmethod]
    fn read(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        py.detach(|| BiModel::read(bytes, &ModelLimits::default())).map(Self).map_err(unusable)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.to_bytes(Default::default())).map_err(unusable)?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path, Default::default())).map_err(raised)
    }

    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = dict(py, &self.0.info)?;
        let survey = BiSurvey::of(&self.0.arch, 64, 64);
        info.set_item("task", "recognition")?;
        info.set_item("preset", py.None())?;
        info.set_item("parameters", survey.parameter_count() + survey.bit_count())?;
        Ok(info)
    }
}

/// The files that are built in, by name: whether each is for recognition, and its bytes.
#[pyfunction]
pub(crate) fn embedded(py: Python<'_>) -> Vec<(&'static str, bool, Bound<'_, PyBytes>)> {
    let entry = |model: &models::Embedded| (model.name, model.recognises(), PyBytes::new(py, model.bytes));
    models::ALL.iter().map(entry).collect()
}

/// Whether the bytes of a file say that it is a model for recognition.
#[pyfunction]
pub(crate) fn recognises(bytes: &[u8]) -> bool {
    BiModel::is_one(bytes)
}

/// Names that are like `name`.
#[pyfunction]
pub(crate) fn near(name: &str, names: Vec<String>) -> Vec<String> {
    models::near(name, names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect()
}

/// What this build is, and what it can use on this machine.
#[pyfunction]
pub(crate) fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    info.set_item("version", env!("CARGO_PKG_VERSION"))?;
    info.set_item("isa", Isa::from_env().map_err(wrong)?.name())?;
    info.set_item("isas", Isa::available().into_iter().map(Isa::name).collect::<Vec<_>>())?;
    info.set_item("threads", pidinet::threads::count(None))?;
    info.set_item("models", models::ALL.iter().map(|model| model.name).collect::<Vec<_>>())?;
    Ok(info)
}

fn options(config: Option<&str>, theta: Option<f32>) -> PyResult<OpenOptions> {
    let config = config.map(str::parse).transpose().map_err(wrong)?;
    Ok(OpenOptions { config, theta, ..OpenOptions::default() })
}

fn dict<'py>(py: Python<'py>, info: &ModelInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &info.name)?;
    dict.set_item("licence", &info.licence)?;
    dict.set_item("training_data", &info.training_data)?;
    dict.set_item("provenance", &info.provenance)?;
    dict.set_item("scores", info.scores.clone())?;
    Ok(dict)
}
