//! Models: those that are built in, and files.

use std::path::PathBuf;

use pidinet::arch::recognition::survey::RecognitionSurvey;
use pidinet::arch::survey::Survey;
use pidinet::weights::{self, AnyModel, ModelInfo, OpenOptions};
use pidinet::{Isa, Size, models};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::{raised, unusable, wrong};

/// A model that finds edges.
#[pyclass(frozen, module = "pidinet._pidinet")]
pub(crate) struct Model(pub(crate) weights::Model);

#[pymethods]
impl Model {
    /// The model at a detail, of the pair that is built in under this name.
    #[staticmethod]
    fn at_detail(py: Python<'_>, name: &str, detail: f64) -> PyResult<Self> {
        py.detach(|| Ok(models::pair(name)?.at(detail)?)).map(Self).map_err(raised)
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
        info.set_item("parameters", Survey::of(&self.0.arch, Size::square(8)).parameter_count())?;
        Ok(info)
    }
}

/// A model for recognition.
#[pyclass(frozen, module = "pidinet._pidinet")]
pub(crate) struct RecognitionModel(pub(crate) weights::RecognitionModel);

#[pymethods]
impl RecognitionModel {
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.to_bytes(Default::default())).map_err(unusable)?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path, Default::default())).map_err(raised)
    }

    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = dict(py, &self.0.info)?;
        let survey = RecognitionSurvey::of(&self.0.arch, Size::square(64));
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

/// A model of either kind.
#[derive(IntoPyObject)]
pub(crate) enum Either {
    Edges(Model),
    Recognition(RecognitionModel),
}

impl From<AnyModel> for Either {
    fn from(model: AnyModel) -> Self {
        match model {
            AnyModel::Edges(model) => Self::Edges(Model(model)),
            AnyModel::Recognition(model) => Self::Recognition(RecognitionModel(model)),
        }
    }
}

/// Reads a model file.
#[pyfunction]
pub(crate) fn open_model(
    py: Python<'_>,
    path: PathBuf,
    config: Option<&str>,
    theta: Option<f32>,
) -> PyResult<Either> {
    let options = options(config, theta)?;
    py.detach(|| AnyModel::open(path, &options)).map(Either::from).map_err(raised)
}

/// Reads the bytes of a model file.
#[pyfunction]
pub(crate) fn read_model(
    py: Python<'_>,
    bytes: &[u8],
    config: Option<&str>,
    theta: Option<f32>,
) -> PyResult<Either> {
    let options = options(config, theta)?;
    py.detach(|| AnyModel::read(bytes, &options)).map(Either::from).map_err(unusable)
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
    let kinds = config.map(str::parse).transpose().map_err(wrong)?;
    Ok(OpenOptions { kinds, theta, ..OpenOptions::default() })
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
