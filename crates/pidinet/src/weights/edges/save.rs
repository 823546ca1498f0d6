//! Writing models for edges to files.

use std::collections::BTreeMap;
use std::path::Path;

use super::metadata;
use super::model::Model;
use crate::Error;
use crate::atomic::write_atomically;
use crate::error::ModelError;
use crate::weights::element::Storage;
use crate::weights::parameters::Parameter;
use crate::weights::safetensors::{Tensor, assemble};

impl Model {
    /// Writes the model as a safetensors file. An existing file at `path` is replaced only once everything is
    /// written.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] if the file cannot be written, [`Error::Model`] as for [`Self::to_bytes`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.save_as(path, Storage::Float32)
    }

    /// [`Self::save`] with numbers stored in this way.
    ///
    /// # Errors
    ///
    /// As [`Self::save`]; also if a number is too large for that storage.
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
    /// If the weights are not those of the architecture, or a weight or a score is not a finite number: a
    /// file that could not be opened is never written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        self.to_bytes_as(Storage::Float32)
    }

    /// [`Self::to_bytes`] with numbers stored in this way.
    ///
    /// # Errors
    ///
    /// As [`Self::to_bytes`]; also if a number is too large for that storage.
    pub fn to_bytes_as(&self, storage: Storage) -> Result<Vec<u8>, ModelError> {
        self.check()?;
        let tensor = |(name, parameter): (&str, &Parameter)| {
            Ok((name.to_owned(), Tensor::numbers(name, parameter, storage)?))
        };
        let tensors = self.weights.iter().map(tensor).collect::<Result<_, ModelError>>()?;
        Ok(assemble(metadata::write(self)?, &tensors))
    }

    /// What a file's metadata says about the model (`docs/model-format.md`).
    pub(crate) fn metadata(&self) -> Result<BTreeMap<String, String>, ModelError> {
        metadata::write(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::arch::Arch;
    use crate::calibration::Calibration;
    use crate::image::{Image, PixelFormat, PixelLayout, Preset};
    use crate::weights::options::OpenOptions;

    #[test]
    fn a_model_survives_writing_and_reading() {
        let arch = Arch { theta: 0.7, kinds: "a-v15".parse().unwrap(), ..Arch::tiny() };
        let mut model = Model::random(arch, 7);
        model.info.licence = "MIT".to_owned();
        model.info.preset = Preset::Controlnet;
        model.info.scores.insert("bsds500.test.ods".to_owned(), 0.7894);
        model.info.extra.insert("note".to_owned(), "\"quoted\" ü".to_owned());
        let grey = Image::from_u8(
            &[90; 30 * 20],
            &PixelLayout::packed(Size { height: 20, width: 30 }, PixelFormat::Grey),
        )
        .unwrap();
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
