//! Opening a model file of either kind.

use std::path::Path;

use super::edges::Model;
use super::file;
use super::info::ModelInfo;
use super::options::OpenOptions;
use super::recognition::RecognitionModel;
use crate::error::{Error, ModelError};

/// A model of either kind, as its file says.
///
/// # Examples
///
/// ```
/// use pidinet::weights::{AnyModel, OpenOptions};
/// match AnyModel::read(pidinet::models::DEFAULT.bytes, &OpenOptions::default())? {
///     AnyModel::Edges(model) => assert_eq!(model.arch.width, 20),
///     AnyModel::Recognition(model) => println!("{} classes", model.arch.classes),
/// }
/// # Ok::<(), pidinet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum AnyModel {
    /// A model that finds edges.
    Edges(Model),
    /// A model that recognises what an image shows.
    Recognition(RecognitionModel),
}

impl AnyModel {
    /// Reads a model file, once. Its kind is recognised by content, not by name.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, [`Error::Model`] if its content cannot be used.
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self, Error> {
        file::open(path.as_ref(), options, |bytes| Self::read(bytes, options), Self::info_mut)
    }

    /// Reads the content of a model file.
    ///
    /// # Errors
    ///
    /// As [`Model::read`] and [`RecognitionModel::read`].
    pub fn read(bytes: &[u8], options: &OpenOptions) -> Result<Self, ModelError> {
        Ok(if RecognitionModel::is_one(bytes) {
            Self::Recognition(RecognitionModel::read(bytes, options)?)
        } else {
            Self::Edges(Model::read(bytes, options)?)
        })
    }

    /// What is known about the model.
    pub fn info(&self) -> &ModelInfo {
        match self {
            Self::Edges(model) => &model.info,
            Self::Recognition(model) => &model.info,
        }
    }

    fn info_mut(&mut self) -> &mut ModelInfo {
        match self {
            Self::Edges(model) => &mut model.info,
            Self::Recognition(model) => &mut model.info,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;
    use crate::arch::recognition::RecognitionArch;
    use crate::weights::RecognitionStorage;

    #[test]
    fn a_file_says_which_kind_of_model_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut edges = Model::random(Arch::tiny().light(), 1);
        edges.info.name.clear();
        edges.save(path("edges")).unwrap();
        let recognition = RecognitionModel::random(RecognitionArch::small(3), 1);
        recognition.save(path("recognition"), RecognitionStorage::default()).unwrap();
        let open = |name| AnyModel::open(path(name), &OpenOptions::default()).unwrap();
        assert_eq!(open("recognition"), AnyModel::Recognition(recognition));
        let AnyModel::Edges(read) = open("edges") else { panic!("a model for edges") };
        assert_eq!((read.weights, read.info.name.as_str()), (edges.weights, "edges"));
    }
}
