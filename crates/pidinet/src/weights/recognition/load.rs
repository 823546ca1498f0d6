//! Reading models for recognition from files.

use std::path::Path;

use super::bits;
use super::metadata;
use super::model::{RecognitionModel, parameters};
use super::storage::{BinaryStorage, stored_shape};
use crate::Error;
use crate::arch::recognition::survey::{RecognitionParameter, Role};
use crate::error::ModelError;
use crate::weights::archive::{self, Archive};
use crate::weights::file;
use crate::weights::metadata::Keys;
use crate::weights::options::{self, OpenOptions};
use crate::weights::parameters::{Parameter, Weights};
use crate::weights::safetensors::Safetensors;

impl RecognitionModel {
    /// Whether the bytes of a file claim to be a model for recognition, sound or not.
    pub fn is_one(bytes: &[u8]) -> bool {
        Safetensors::open(bytes, &OpenOptions::default()).is_ok_and(|file| metadata::is_ours(file.metadata()))
    }

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Model`] if its content cannot be used.
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self, Error> {
        file::open(path.as_ref(), options, |bytes| Self::read(bytes, options), |model| &mut model.info)
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
        archive::check_shapes(&expected.collect(), &file.shapes())?;
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
}
