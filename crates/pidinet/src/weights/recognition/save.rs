//! Writing models for recognition to files.

use std::collections::BTreeMap;
use std::path::Path;

use super::bits;
use super::metadata;
use super::model::RecognitionModel;
use super::storage::{BinaryStorage, RecognitionStorage, stored_shape};
use crate::Error;
use crate::arch::recognition::survey::{RecognitionParameter, RecognitionSurvey, Role};
use crate::atomic::write_atomically;
use crate::error::ModelError;
use crate::weights::element::Storage;
use crate::weights::safetensors::{Tensor, assemble};

impl RecognitionModel {
    /// Writes the model. An existing file at `path` is replaced only once everything is written.
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
    /// If the model could not be read again: its weights are not those of the architecture or not finite, or
    /// a number is too large for that storage.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::arch::Kind;
    use crate::arch::recognition::{RecognitionArch, Stem};
    use crate::weights::options::OpenOptions;

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

    /// Only the binary body is compared: weights of one bit, or 4 bytes each when latent.
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
