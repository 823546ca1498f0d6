//! Where edge maps come from: files, or a model run on photographs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pidinet::image::{Image, ImageLimits};
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap, Size};
use pidinet_eval::files::dataset::Dataset;
use pidinet_eval::files::predictions::{self, Binary, Look, Reading};
use serde_json::{Value, json};

/// Extensions of photographs.
pub(super) const PHOTOS: [&str; 7] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"];

/// Edge maps by the path of their source.
pub(super) enum Source {
    /// Saved maps, and how they are read.
    Maps(Reading),
    /// A model.
    Model(Box<Finder>),
}

/// A model and how it is used.
pub(super) struct Finder {
    pub(super) detector: EdgeDetector,
    pub(super) options: DetectorOptions,
    /// What was asked for: files, or names of built-in models.
    pub(super) asked: Asked,
}

/// A model as it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The model, unless it is the default.
    pub(super) model: Option<PathBuf>,
    /// A detail, and the model to mix with unless that is the partner.
    pub(super) detail: Option<(f64, Option<PathBuf>)>,
}

impl Asked {
    /// The files among them.
    fn files(&self) -> impl Iterator<Item = &Path> {
        let partner = self.detail.iter().filter_map(|(_, partner)| partner.as_ref());
        self.model.iter().chain(partner).map(PathBuf::as_path).filter(|path| path.is_file())
    }
}

impl Source {
    /// The data set of two folders.
    pub(super) fn dataset(&self, predictions: &Path, truth: &Path) -> pidinet_eval::Result<Dataset> {
        match self {
            Self::Maps(_) => Dataset::maps(predictions, truth),
            Self::Model(_) => Dataset::folders(predictions, truth, &PHOTOS),
        }
    }

    /// Where the maps come from, apart from the files of the data set.
    pub(super) fn description(&self) -> Value {
        match self {
            Self::Maps(Reading { inverted: false, .. }) => json!("files"),
            Self::Maps(_) => json!("inverted files"),
            Self::Model(finder) => {
                let mut description = json!({
                    "model": finder.asked.model,
                    "scales": finder.options.scales,
                    "precision": finder.detector.precision().name(),
                    "preset": finder.options.preset.map(|preset| preset.to_string()),
                });
                if let Some((detail, partner)) = &finder.asked.detail {
                    description["detail"] = json!({ "at": detail, "model": partner });
                }
                description
            }
        }
    }

    /// The files of the model.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let asked = match self {
            Self::Maps(_) => None,
            Self::Model(finder) => Some(&finder.asked),
        };
        asked.into_iter().flat_map(Asked::files)
    }

    /// The edges of a file.
    pub(super) fn edges(&self, path: &Path) -> anyhow::Result<EdgeMap> {
        match self {
            Self::Maps(reading) => Ok(predictions::open_with(path, *reading)?),
            Self::Model(finder) => Ok(finder.detector.detect(&photo(path)?)?.edges),
        }
    }

    /// The size of the edges of a file; saved maps add how they look to `looks`.
    pub(super) fn size(&self, path: &Path, looks: &Looks) -> pidinet_eval::Result<Size> {
        match self {
            Self::Maps(reading) => {
                let look = predictions::look(path, *reading)?;
                looks.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), look);
                Ok(Size { height: look.height, width: look.width })
            }
            Self::Model(_) => Ok(photo(path).map(|image| image.size())?),
        }
    }

    /// Decides how the maps are read, after all have been looked at, and warns of odd ones.
    pub(super) fn settle(&mut self, looks: Looks) {
        if let Self::Maps(reading) = self {
            let looks = looks.0.into_inner().unwrap_or_else(PoisonError::into_inner);
            let looks: Vec<(&Path, Look)> = looks.iter().map(|(path, &look)| (&**path, look)).collect();
            reading.binary = if looks.is_empty() { Binary::Truth } else { predictions::check(&looks) };
        }
    }
}

/// How maps look, by their path.
#[derive(Default)]
pub(super) struct Looks(Mutex<BTreeMap<PathBuf, Look>>);

fn photo(path: &Path) -> pidinet::Result<Image> {
    Image::open(path, &ImageLimits::default())
}
