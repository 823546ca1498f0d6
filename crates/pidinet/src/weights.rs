//! Model files: an architecture, its weights, and where they come from.
//!
//! [`Model::open`] reads our own safetensors files (`docs/model-format.md`) and the published PyTorch
//! checkpoints; [`Model::save`] writes the former. Nothing in a file is ever run, and no file, however made,
//! can make the reader panic or use more memory than [`OpenOptions`] allows.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;
use std::path::Path;
use std::str::FromStr;

use crate::arch::Arch;
use crate::arch::survey::Survey;
use crate::atomic::write_atomically;
use crate::calibration::Calibration;
use crate::files;
use crate::reparam;
use crate::{Error, Size, UnknownName};

mod recognition;
mod element;
mod info;
mod load;
mod metadata;
pub(crate) mod mix;
mod options;
mod pytorch;
mod random;
mod safetensors;

pub use crate::error::{ModelError, ShapeMismatch};
pub use element::Storage;
pub(crate) use element::from_f16;
pub use info::ModelInfo;
pub use options::OpenOptions;
pub use recognition::{BinaryStorage, RecognitionInput, RecognitionModel, RecognitionStorage};

/// The numbers of one parameter.
#[derive(Clone, PartialEq)]
pub struct Parameter {
    /// Its shape, outermost first: `[out, in / groups, kh, kw]` for weights, `[out]` for a bias.
    pub shape: Vec<usize>,
    /// Its numbers, the last axis running fastest.
    pub data: Vec<f32>,
}

impl fmt::Debug for Parameter {
    /// The shape alone: the numbers would fill screens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter").field("shape", &self.shape).finish_non_exhaustive()
    }
}

/// The parameters of a model by their names (`block2_1.conv1.weight`), in the order of the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(BTreeMap<String, Parameter>);

impl Weights {
    /// No parameters yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.0.get(name)
    }

    /// The parameter of this name, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Parameter> {
        self.0.get_mut(name)
    }

    /// Adds a parameter; gives back one that had the same name.
    pub fn insert(&mut self, name: impl Into<String>, parameter: Parameter) -> Option<Parameter> {
        self.0.insert(name.into(), parameter)
    }

    /// All parameters with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.0.iter().map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// How many parameters there are, each a tensor.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.iter().map(|(name, parameter)| (name.to_owned(), parameter.shape.clone())).collect()
    }
}

impl Index<&str> for Weights {
    type Output = Parameter;

    /// # Panics
    ///
    /// If there is no parameter of this name.
    fn index(&self, name: &str) -> &Parameter {
        self.get(name).unwrap_or_else(|| panic!("the model has no parameter `{name}`"))
    }
}

impl FromIterator<(String, Parameter)> for Weights {
    fn from_iter<I: IntoIterator<Item = (String, Parameter)>>(parameters: I) -> Self {
        Self(parameters.into_iter().collect())
    }
}

/// Whether weights still multiply differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// As trained: 3×3 weights of pixel differences.
    #[default]
    Raw,
    /// Ready to use: differences folded into ordinary weights, 5×5 where radial. Cannot be trained further.
    Folded,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Folded => "folded",
        })
    }
}

impl FromStr for Form {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "raw" => Ok(Self::Raw),
            "folded" => Ok(Self::Folded),
            _ => Err(UnknownName::new("a form", text, "raw or folded")),
        }
    }
}

/// A network with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What the network is.
    pub arch: Arch,
    /// Whether the weights are raw or folded.
    pub form: Form,
    /// The parameters: exactly those that [`Survey`] lists for `arch`.
    pub weights: Weights,
    /// What is known about the model.
    pub info: ModelInfo,
    /// The ranges of its activations, if it can run in int8. Other weights have others.
    pub calibration: Option<Calibration>,
}

impl Model {
    /// A model of raw or folded weights.
    ///
    /// # Errors
    ///
    /// If the weights are not those of the architecture, or one of them is not a finite number.
    pub fn new(arch: Arch, form: Form, weights: Weights, info: ModelInfo) -> Result<Self, ModelError> {
        let model = Self { arch, form, weights, info, calibration: None };
        model.check()?;
        Ok(model)
    }

    /// A model of random weights, the same for the same seed on every machine: for tests and benchmarks.
    pub fn random(arch: Arch, seed: u64) -> Self {
        random::model(arch, seed)
    }

    /// Reads a model file. What it is, is seen from its content, not from its name.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Model`] if its content cannot be used.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use pidinet::weights::{Model, OpenOptions};
    /// let model = Model::open("table5_pidinet.pth", &OpenOptions::default())?;
    /// assert_eq!(model.arch.width, 60);
    /// # Ok::<(), pidinet::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let unreadable = |source| Error::Read { path: path.to_owned(), source };
        let unusable = |source| Error::Model { path: path.to_owned(), source };
        let (limit, length) = (options.file_bytes, path.metadata().map_err(unreadable)?.len());
        options::check("file_bytes", limit, length).map_err(unusable)?;
        let bytes = files::read_model(path, limit).map_err(unreadable)?;
        let mut model = Self::read(&bytes, options).map_err(unusable)?;
        if model.info.name.is_empty() {
            model.info.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        Ok(model)
    }

    /// Reads the content of a model file.
    ///
    /// # Errors
    ///
    /// If it is not a model, is damaged, does not hold what its architecture needs, or exceeds a limit.
    pub fn read(bytes: &[u8], options: &OpenOptions) -> Result<Self, ModelError> {
        load::read(bytes, options)
    }

    /// Writes the model as a safetensors file. What was at `path` before is replaced only when all is written.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] if the file cannot be written, [`Error::Model`] as for [`Self::to_bytes`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.save_as(path, Storage::Float32)
    }

    /// [`Self::save`] with numbers stored so.
    ///
    /// # Errors
    ///
    /// As [`Self::save`]; also if a number is too large for that.
    pub fn save_as(&self, path: impl AsRef<Path>, storage: Storage) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes =
            self.to_bytes_as(storage).map_err(|source| Error::Model { path: path.to_owned(), source })?;
        write_atomically(path, &bytes)
    }

    /// The content of a safetensors file with this model; the same for the same model.
    ///
    /// # Errors
    ///
    /// If the weights are not those of the architecture, or a weight or a score is not a finite number: no
    /// file is written that could not be opened.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        self.to_bytes_as(Storage::Float32)
    }

    /// [`Self::to_bytes`] with numbers stored so.
    ///
    /// # Errors
    ///
    /// As [`Self::to_bytes`]; also if a number is too large for that.
    pub fn to_bytes_as(&self, storage: Storage) -> Result<Vec<u8>, ModelError> {
        self.check()?;
        safetensors::write(self, storage)
    }

    /// Whether pixel differences are already folded into ordinary weights.
    pub fn is_folded(&self) -> bool {
        self.form == Form::Folded
    }

    /// The same model with all pixel differences folded into ordinary weights, see [`reparam`].
    ///
    /// # Panics
    ///
    /// If the weights are not those of the architecture, which [`Self::new`] and [`Self::open`] make sure of.
    #[must_use]
    pub fn folded(&self) -> Self {
        let mut folded = self.clone();
        if self.is_folded() {
            return folded;
        }
        for (name, conv) in Survey::of(&self.arch, Size::square(8)).convs() {
            let name = format!("{name}.weight");
            let data = reparam::fold(conv, &self.weights[&name].data);
            folded.weights.insert(name, Parameter { shape: conv.folded_shape().into(), data });
        }
        folded.form = Form::Folded;
        folded
    }

    /// What the metadata of a file say of the model (`docs/model-format.md`).
    pub(crate) fn metadata(&self) -> Result<BTreeMap<String, String>, ModelError> {
        metadata::write(self)
    }

    /// Checks that weights and calibration are those of the architecture, and finite.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let expected = load::expected(&self.arch, self.form, &OpenOptions::unlimited())?;
        load::check_shapes(&expected, &self.weights.shapes())?;
        for (name, Parameter { shape, data }) in self.weights.iter() {
            if data.len() != shape.iter().product::<usize>() {
                return Err(ModelError::Size {
                    tensor: name.to_owned(),
                    shape: shape.clone(),
                    found: data.len(),
                });
            }
            load::check_finite(name, shape, data)?;
        }
        match &self.calibration {
            Some(calibration) if !calibration.fits(&self.arch) => {
                Err(metadata::invalid_calibration(&calibration.to_json()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Image, PixelFormat, PixelLayout, Preset};

    #[test]
    fn a_model_survives_writing_and_reading() {
        let arch = Arch { theta: 0.7, kinds: "a-v15".parse().unwrap(), ..Arch::tiny() };
        let mut model = Model::random(arch, 7);
        model.info.licence = "MIT".to_owned();
        model.info.preset = Preset::Controlnet;
        model.info.scores.insert("bsds500.test.ods".to_owned(), 0.7894);
        model.info.extra.insert("note".to_owned(), "\"quoted\" ü".to_owned());
        let grey = Image::from_u8(&[90; 30 * 20], &PixelLayout::packed(30, 20, PixelFormat::Grey)).unwrap();
        model.calibration = Some(Calibration::measure(&model, [grey]).unwrap());
        for model in [model.folded(), model] {
            let bytes = model.to_bytes().unwrap();
            assert_eq!(bytes, model.to_bytes().unwrap());
            assert_eq!(Model::read(&bytes, &OpenOptions::default()).unwrap(), model);
        }
    }

    #[test]
    fn half_precision_is_half_the_size_and_rounded() {
        let model = Model::random(Arch::tiny(), 1);
        let bytes = model.to_bytes_as(Storage::Float16).unwrap();
        assert!(bytes.len() < model.to_bytes().unwrap().len() * 6 / 10);
        let read = Model::read(&bytes, &OpenOptions::default()).unwrap();
        for (name, parameter) in model.weights.iter() {
            for (&half, &full) in read.weights[name].data.iter().zip(&parameter.data) {
                // Half a unit in the last of 11 bits, or of a subnormal number.
                assert!((half - full).abs() <= (full.abs() / 2048.0).max(2f32.powi(-25)), "{name}");
            }
        }
    }

    #[test]
    fn a_saved_file_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, "something else").unwrap();
        let mut model = Model::random(Arch::tiny().light(), 1);
        model.info.name = String::new();
        model.save(&path).unwrap();
        let read = Model::open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(read.weights, model.weights);
        assert_eq!(read.info.name, "model");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_cannot_be_read_again_is_not_written() {
        let mut model = Model::random(Arch::tiny().light(), 1);
        model.weights.get_mut("block1_2.conv1.weight").unwrap().data[13] = f32::NAN;
        let error = model.to_bytes().unwrap_err().to_string();
        assert_eq!(error, "tensor `block1_2.conv1.weight` is not finite: NaN at [1, 0, 1, 1]");
        model.weights.get_mut("block1_2.conv1.weight").unwrap().data[13] = 1e6;
        let error = model.to_bytes_as(Storage::Float16).unwrap_err().to_string();
        assert_eq!(
            error,
            "tensor `block1_2.conv1.weight` has 1000000 at [1, 0, 1, 1], too large for float16"
        );
        model.info.scores.insert("ods".to_owned(), f64::NAN);
        assert!(model.to_bytes().unwrap_err().to_string().contains("ods: NaN"));
    }
}
