//! Where edge maps come from: files, or a model run on photographs.

use std::path::{Path, PathBuf};

use pidinet::image::{Image, ImageLimits};
use pidinet::{EdgeDetector, EdgeMap, Options};
use pidinet_eval::dataset::Size;
use pidinet_eval::predictions;
use serde_json::{Value, json};

/// Extensions of photographs.
pub(super) const PHOTOS: [&str; 7] = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"];

/// Edge maps by the path of what they are made from.
pub(super) enum Source {
    /// Saved maps.
    Maps,
    /// A model.
    Model(Box<Finder>),
}

/// A model and how it is used.
pub(super) struct Finder {
    pub(super) detector: EdgeDetector,
    pub(super) options: Options,
    /// What was asked for: files, or names of models that come with the program.
    pub(super) asked: Asked,
}

/// A model as it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The model, unless it is the default.
    pub(super) model: Option<PathBuf>,
    /// A detail, and with what the model is mixed to have it unless that is its partner.
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
    /// Extensions of the files that it reads.
    pub(super) fn extensions(&self) -> &'static [&'static str] {
        match self {
            Self::Maps => &predictions::EXTENSIONS,
            Self::Model(_) => &PHOTOS,
        }
    }

    /// What the maps come from, apart from the files of the data set.
    pub(super) fn description(&self) -> Value {
        match self {
            Self::Maps => json!("files"),
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
            Self::Maps => None,
            Self::Model(finder) => Some(&finder.asked),
        };
        asked.into_iter().flat_map(Asked::files)
    }

    /// The edges of a file.
    pub(super) fn edges(&self, path: &Path) -> anyhow::Result<EdgeMap> {
        match self {
            Self::Maps => Ok(predictions::open(path)?),
            Self::Model(finder) => Ok(finder.detector.detect(&photo(path)?)?.edges),
        }
    }

    /// Width and height of the edges of a file.
    pub(super) fn size(&self, path: &Path) -> pidinet_eval::Result<Size> {
        match self {
            Self::Maps => predictions::open(path).map(|map| (map.width(), map.height())),
            Self::Model(_) => Ok(photo(path).map(|image| (image.width(), image.height()))?),
        }
    }
}

fn photo(path: &Path) -> pidinet::Result<Image> {
    Image::open(path, &ImageLimits::default())
}
