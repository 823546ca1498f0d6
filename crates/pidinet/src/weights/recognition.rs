//! Models for recognition: a Bi-PiDiNet, its weights, its labels and how it wants its images.
//!
//! The file is of the same kind as that of an edge model, with `bi-pidinet` for its architecture; weights of one
//! bit can be stored as such.

use std::collections::BTreeMap;
use std::path::Path;

use super::load::{self, Archive};
use super::metadata::Keys;
use super::options::{self, OpenOptions};
use super::safetensors::{Safetensors, Tensor, assemble};
use super::{ModelError, ModelInfo, Parameter, Storage, Weights, random};
use crate::Error;
use crate::arch::recognition::survey::{RecognitionParameter, RecognitionSurvey, Role};
use crate::arch::recognition::{RecognitionArch, Stem};
use crate::atomic::write_atomically;
use crate::files;
use crate::image::Preset;

mod bits;
mod metadata;

/// How a model wants its images: resized so that the shorter side is [`Self::resize`], the middle cut out, red,
/// green and blue from 0 to 1 minus the mean, divided by the standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecognitionInput {
    /// Rows and columns of the network's input.
    pub size: usize,
    /// The shorter side of the image before the middle is cut out, at least `size`.
    pub resize: usize,
    /// Mean of red, green and blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
}

impl RecognitionInput {
    /// Whole images of 32×32 with the statistics of CIFAR-10's training images.
    pub const CIFAR: Self =
        Self { size: 32, resize: 32, mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616] };

    /// The middle 224×224 of images of 256, with the statistics of ImageNet.
    pub const IMAGENET: Self = Self { size: 224, resize: 256, mean: Preset::MEAN, std: Preset::STD };

    /// What is usual with a stem.
    pub fn for_stem(stem: Stem) -> Self {
        if stem == Stem::Cifar { Self::CIFAR } else { Self::IMAGENET }
    }
}

/// How weights of which only the signs are used are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BinaryStorage {
    /// As trained: latent numbers.
    #[default]
    Latent,
    /// One bit each; training cannot go on from them.
    Bits,
}

/// How a model is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecognitionStorage {
    /// Weights of binary convolutions.
    pub binary: BinaryStorage,
    /// Weights of real convolutions and of the classifier; what is one number a channel is always of 32 bits.
    pub real: Storage,
}

/// A Bi-PiDiNet with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognitionModel {
    /// What the network is.
    pub arch: RecognitionArch,
    /// The parameters: exactly those that [`RecognitionSurvey`] lists for `arch`.
    pub weights: Weights,
    /// Names of the classes, in the order of the logits; none if they are not known.
    pub labels: Vec<String>,
    /// How images are presented.
    pub input: RecognitionInput,
    /// What is known about the model; its preset is not used.
    pub info: ModelInfo,
}

impl RecognitionModel {
    /// A model of these weights, without labels.
    ///
    /// # Errors
    ///
    /// If the weights are not those of the architecture, one of them is not a finite number, or a variance is
    /// negative.
    pub fn new(
        arch: RecognitionArch,
        weights: Weights,
        input: RecognitionInput,
        info: ModelInfo,
    ) -> Result<Self, ModelError> {
        let model = Self { arch, weights, labels: Vec::new(), input, info };
        model.check()?;
        Ok(model)
    }

    /// A model of random weights, the same for the same seed on every machine: for tests and benchmarks.
    pub fn random(arch: RecognitionArch, seed: u64) -> Self {
        random::bi_model(arch, seed)
    }

    /// Whether the bytes of a file say that it is a model for recognition, sound or not.
    pub fn is_one(bytes: &[u8]) -> bool {
        Safetensors::open(bytes, &OpenOptions::default()).is_ok_and(|file| metadata::is_ours(file.metadata()))
    }

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Model`] if its content cannot be used.
    pub fn open(path: impl AsRef<Path>, limits: &OpenOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let unreadable = |source| Error::Read { path: path.to_owned(), source };
        let unusable = |source| Error::Model { path: path.to_owned(), source };
        let (limit, length) = (limits.file_bytes, path.metadata().map_err(unreadable)?.len());
        options::check("file_bytes", limit, length).map_err(unusable)?;
        let bytes = files::read_model(path, limit).map_err(unreadable)?;
        let mut model = Self::read(&bytes, limits).map_err(unusable)?;
        if model.info.name.is_empty() {
            model.info.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        Ok(model)
    }

    /// Reads the content of a model file.
    ///
    /// # Errors
    ///
    /// If it is not a model for recognition, is damaged, does not hold what its architecture needs, or exceeds
    /// a limit.
    pub fn read(bytes: &[u8], limits: &OpenOptions) -> Result<Self, ModelError> {
        options::check("file_bytes", limits.file_bytes, bytes.len() as u64)?;
        let mut file = Safetensors::open(bytes, limits)?;
        options::check("tensors", limits.tensors, file.shapes().len() as u64)?;
        let keys = Keys::of(file.metadata())?.ok_or_else(metadata::missing)?;
        let metadata::Description { arch, binary, labels, input, info } = metadata::read(keys)?;
        let parameters = parameters(&arch, limits)?;
        let shape = |parameter: &RecognitionParameter| stored_shape(parameter, binary);
        let expected = parameters.iter().map(|parameter| (parameter.name.clone(), shape(parameter)));
        load::check_shapes(&expected.collect(), &file.shapes())?;
        let mut weights = Weights::new();
        for parameter in &parameters {
            let data = match (parameter.role, binary) {
                (Role::Binary, BinaryStorage::Bits) => {
                    let bytes = file.bytes(&parameter.name).ok_or_else(|| ModelError::Tensor {
                        tensor: parameter.name.clone(),
                        problem: "should hold bits, as type U8".to_owned(),
                    })?;
                    bits::unpack(parameter, bytes)?
                }
                _ => file.read(&parameter.name)?,
            };
            weights.insert(parameter.name.clone(), Parameter { shape: parameter.shape.clone(), data });
        }
        let model = Self { arch, weights, labels, input, info };
        model.check()?;
        Ok(model)
    }

    /// Writes the model. What was at `path` before is replaced only when all is written.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] if the file cannot be written, [`Error::Model`] as for [`Self::to_bytes`].
    pub fn save(&self, path: impl AsRef<Path>, storage: RecognitionStorage) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes =
            self.to_bytes(storage).map_err(|source| Error::Model { path: path.to_owned(), source })?;
        write_atomically(path, &bytes)
    }

    /// The content of a file with this model; the same for the same model.
    ///
    /// # Errors
    ///
    /// If the model could not be read again: its weights are not those of the architecture or not finite, or a
    /// number is too large for that.
    pub fn to_bytes(&self, storage: RecognitionStorage) -> Result<Vec<u8>, ModelError> {
        self.check()?;
        let parameters = RecognitionSurvey::parameters_of(&self.arch);
        let tensor = |parameter: &RecognitionParameter| {
            let weights = &self.weights[&parameter.name];
            let tensor = match (parameter.role, storage.binary) {
                (Role::Binary, BinaryStorage::Bits) => Tensor::bytes(
                    stored_shape(parameter, storage.binary),
                    bits::pack(parameter, &weights.data),
                ),
                (Role::Real, _) => Tensor::numbers(&parameter.name, weights, storage.real)?,
                _ => Tensor::numbers(&parameter.name, weights, Storage::Float32)?,
            };
            Ok((parameter.name.clone(), tensor))
        };
        let tensors: BTreeMap<_, _> = parameters.iter().map(tensor).collect::<Result<_, ModelError>>()?;
        Ok(assemble(metadata::write(self, storage.binary)?, &tensors))
    }

    /// The name of a class; its number where the model has no labels.
    pub fn label(&self, class: usize) -> String {
        self.labels.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    fn check(&self) -> Result<(), ModelError> {
        let parameters = parameters(&self.arch, &OpenOptions::unlimited())?;
        let expected = parameters.iter().map(|parameter| (parameter.name.clone(), parameter.shape.clone()));
        load::check_shapes(&expected.collect(), &self.weights.shapes())?;
        if !self.labels.is_empty() && self.labels.len() != self.arch.classes {
            let (labels, classes) = (self.labels.len(), self.arch.classes);
            return Err(ModelError::Labels { labels, classes });
        }
        metadata::check_input(&self.input, &self.arch)?;
        for RecognitionParameter { name, shape, role } in &parameters {
            let data = &self.weights[name].data;
            if data.len() != shape.iter().product::<usize>() {
                return Err(ModelError::Size {
                    tensor: name.clone(),
                    shape: shape.clone(),
                    found: data.len(),
                });
            }
            load::check_finite(name, shape, data)?;
            let negative = data.iter().position(|&x| *role == Role::Variance && x < 0.0);
            if let Some(index) = negative {
                return Err(ModelError::Variance { tensor: name.clone(), index, value: data[index] });
            }
        }
        Ok(())
    }
}

/// The parameters of an architecture, if it is a sensible one.
fn parameters(arch: &RecognitionArch, limits: &OpenOptions) -> Result<Vec<RecognitionParameter>, ModelError> {
    metadata::check_arch(arch)?;
    options::check("channels", limits.channels, arch.width as u64)?;
    options::check("channels", 8 * limits.channels, arch.features() as u64)?;
    let blocks: usize = arch.stages.iter().map(|stage| stage.blocks).sum();
    options::check("tensors", limits.tensors, 5 * blocks as u64)?;
    let parameters = RecognitionSurvey::parameters_of(arch);
    let count = |parameter: &RecognitionParameter| parameter.shape.iter().map(|&n| n as u64).product::<u64>();
    options::check("weight_bytes", limits.weight_bytes, 4 * parameters.iter().map(count).sum::<u64>())?;
    Ok(parameters)
}

/// The shape of a parameter in a file.
fn stored_shape(parameter: &RecognitionParameter, binary: BinaryStorage) -> Vec<usize> {
    match (parameter.role, binary) {
        (Role::Binary, BinaryStorage::Bits) => bits::shape(parameter),
        _ => parameter.shape.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::arch::Kind;

    fn model() -> RecognitionModel {
        let mut arch = RecognitionArch::small(3).with_differences(Kind::Central, 0.3).light();
        arch.width = 10;
        arch.stages.truncate(2);
        arch.stages[1].rho = 0.0;
        let mut model = RecognitionModel::random(arch, 7);
        model.labels = ["cat", "dog, \"barking\"", "ü"].map(String::from).into();
        model.info.licence = "MIT".to_owned();
        model.info.scores.insert("cifar10.test.top1".to_owned(), 0.86);
        model
    }

    #[test]
    fn a_model_survives_writing_and_reading() {
        let model = model();
        let bytes = model.to_bytes(RecognitionStorage::default()).unwrap();
        assert!(RecognitionModel::is_one(&bytes));
        assert_eq!(RecognitionModel::read(&bytes, &OpenOptions::default()).unwrap(), model);
    }

    #[test]
    fn packed_weights_keep_their_signs_and_all_else() {
        let model = model();
        let packed = RecognitionStorage { binary: BinaryStorage::Bits, ..RecognitionStorage::default() };
        let bytes = model.to_bytes(packed).unwrap();
        let read = RecognitionModel::read(&bytes, &OpenOptions::default()).unwrap();
        for parameter in RecognitionSurvey::parameters_of(&model.arch) {
            let (before, after) = (&model.weights[&parameter.name], &read.weights[&parameter.name]);
            match parameter.role {
                Role::Binary => {
                    let signs: Vec<f32> =
                        before.data.iter().map(|&x| if x < 0.0 { -1.0 } else { 1.0 }).collect();
                    assert_eq!(after.data, signs, "{}", parameter.name);
                }
                _ => assert_eq!(before, after, "{}", parameter.name),
            }
        }
        assert_eq!(read.to_bytes(packed).unwrap(), bytes);
    }

    /// What counts is the binary body: weights of one bit, 4 bytes each when latent.
    #[test]
    fn the_packed_body_is_a_thirtieth() {
        let model = RecognitionModel::random(RecognitionArch::eighteen(Stem::Cifar, 10), 1);
        let latent = model.to_bytes(RecognitionStorage::default()).unwrap().len();
        let storage = RecognitionStorage { binary: BinaryStorage::Bits, real: Storage::Float16 };
        let packed = model.to_bytes(storage).unwrap().len();
        assert!(20 * packed <= latent, "{packed} of {latent} bytes");
        let rest = latent - 4 * RecognitionSurvey::of(&model.arch, Size::square(1)).bit_count();
        let body =
            model.to_bytes(RecognitionStorage { binary: BinaryStorage::Bits, ..storage }).unwrap().len();
        assert!(
            body < rest + (latent - rest) / 30,
            "{body} bytes, of which at most {rest} are not weights of one bit"
        );
    }

    #[test]
    fn what_cannot_be_read_again_is_not_written() {
        let message = |change: &dyn Fn(&mut RecognitionModel)| {
            let mut model = model();
            change(&mut model);
            model.to_bytes(RecognitionStorage::default()).unwrap_err().to_string()
        };
        let variance = |model: &mut RecognitionModel| {
            model.weights.get_mut("block1_1.norm.running_var").unwrap().data[2] = -0.5;
        };
        assert_eq!(
            message(&variance),
            "tensor `block1_1.norm.running_var` has the variance -0.5 at 2, expected none below 0"
        );
        assert_eq!(message(&|model| model.labels.truncate(2)), "the model has 2 labels for 3 classes");
        assert!(message(&|model| model.input.std[1] = 0.0).contains("pidinet.std"));
        assert!(message(&|model| model.arch.stages[0].rho = 1.5).contains("pidinet.stages"));
        assert!(message(&|model| model.arch.classes = 4).contains("classifier.weight"));
    }
}
