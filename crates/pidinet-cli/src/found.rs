//! Where a model is: in a file, or built in.

use std::fmt;
use std::path::{Path, PathBuf};

use pidinet::models::{self, Embedded};
use pidinet::weights::{AnyModel, Model, OpenOptions, RecognitionModel};
use sha2::{Digest, Sha256};

use crate::ui::usage;

/// Where a model is.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    File(PathBuf),
    Embedded(&'static Embedded),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Embedded(model) => f.write_str(model.name),
        }
    }
}

impl Found {
    /// The file at this path, or else the built-in model of this name.
    pub(crate) fn named(name: &Path) -> anyhow::Result<Self> {
        Self::among(models::ALL, name)
    }

    fn among(all: &'static [Embedded], name: &Path) -> anyhow::Result<Self> {
        if name.exists() && !name.is_dir() {
            if !name.is_file() {
                let path = name.display();
                return Err(usage!("{path} is a pipe or a device: models are read from files only"));
            }
            return Ok(Self::File(name.to_owned()));
        }
        if let Some(model) = all.iter().find(|model| Path::new(model.name) == name) {
            return Ok(Self::Embedded(model));
        }
        let names = || all.iter().map(|model| model.name);
        let near = models::near(&name.to_string_lossy(), names());
        let others = match (near.is_empty(), all.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!("; the built-in models are {}", names().collect::<Vec<_>>().join(", ")),
            (false, _) => format!("; did you mean {}?", near.join(" or ")),
        };
        let path = name.display();
        Err(if name.is_dir() {
            usage!("{path} is a folder, and there is no built-in model of that name{others}")
        } else {
            usage!("there is no file and no built-in model named {path}{others}")
        })
    }

    /// The SHA-256 of its file, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> anyhow::Result<String> {
        let digest = match self {
            Self::File(path) => Sha256::digest(
                std::fs::read(path).map_err(|source| pidinet::Error::Read { path: path.clone(), source })?,
            ),
            Self::Embedded(model) => Sha256::digest(model.bytes),
        };
        Ok(format!("{digest:x}"))
    }

    /// Reads the model, of either kind.
    pub(crate) fn open(&self, options: &OpenOptions) -> anyhow::Result<AnyModel> {
        Ok(match self {
            Self::File(path) => AnyModel::open(path, options)?,
            Self::Embedded(model) => AnyModel::read(model.bytes, options)?,
        })
    }

    /// Reads an edge model.
    pub(crate) fn edges(&self, options: &OpenOptions) -> anyhow::Result<Model> {
        match self.open(options)? {
            AnyModel::Edges(model) => Ok(model),
            AnyModel::Recognition(_) => Err(usage!(
                "{self} is a recognition model and cannot detect edges: use it with `pidinet classify`"
            )),
        }
    }

    /// Reads a recognition model.
    pub(crate) fn recognition(&self) -> anyhow::Result<RecognitionModel> {
        match self.open(&OpenOptions::default())? {
            AnyModel::Recognition(model) => Ok(model),
            AnyModel::Edges(_) => Err(usage!(
                "{self} is an edge model; recognition needs a Bi-PiDiNet, as trained by `pidinet train recognition`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use pidinet::arch::recognition::RecognitionArch;
    use pidinet::weights::RecognitionStorage;

    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let abc = Found::Embedded(&Embedded { name: "abc", bytes: b"abc" });
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(abc.sha256().unwrap(), digest);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(Found::File(file.path().to_owned()).sha256().unwrap(), digest);
    }

    #[test]
    fn models_of_both_kinds_are_found_by_their_names() {
        let model = RecognitionModel::random(RecognitionArch { width: 4, ..RecognitionArch::small(3) }, 1);
        let bytes = model.to_bytes(RecognitionStorage::default()).unwrap().leak();
        let all = [*models::named("tiny").unwrap(), Embedded { name: "bi", bytes }].to_vec().leak();
        let folder = tempfile::tempdir().unwrap();
        let find = |name: &str| Found::among(all, Path::new(name));

        let (edges, bi) = (find("tiny").unwrap(), find("bi").unwrap());
        assert_eq!(bi.recognition().unwrap().weights, model.weights);
        assert_eq!(edges.edges(&OpenOptions::default()).unwrap().info.name, "tiny");
        let error = bi.edges(&OpenOptions::default()).unwrap_err().to_string();
        assert!(error.contains("bi is a recognition model"), "{error}");
        let error = edges.recognition().unwrap_err().to_string();
        assert!(error.contains("tiny is an edge model"), "{error}");

        let error = find("none").unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no file and no built-in model named none; the built-in models are tiny, bi"
        );
        let error = find("tinny").unwrap_err().to_string();
        assert_eq!(error, "there is no file and no built-in model named tinny; did you mean tiny?");
        #[cfg(unix)]
        {
            let error = find("/dev/null").unwrap_err().to_string();
            assert!(error.contains("a pipe or a device"), "{error}");
        }
        let error = Found::among(all, folder.path()).unwrap_err().to_string();
        assert!(error.contains("is a folder"), "{error}");
        let file = folder.path().join("bi");
        model.save(&file, RecognitionStorage::default()).unwrap();
        assert!(matches!(Found::among(all, &file).unwrap(), Found::File(path) if path == file));
    }
}
