//! Where images and truth are, and how much of a run they make up.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use crate::Result;
use crate::settings::check;

/// Where images and truth are.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub enum Source {
    /// `images/SPLIT/ID.jpg` with `groundTruth/SPLIT/ID.mat` below a folder.
    Bsds {
        /// The folder.
        bsds: PathBuf,
        /// Which of train, val and test.
        splits: Vec<String>,
    },
    /// A folder of images and one of ground truth with the same names: `.mat`, or one or several PNG files
    /// for each image.
    Folders {
        /// The images.
        images: PathBuf,
        /// Their truth.
        truth: PathBuf,
    },
    /// A text file with an image and its truth on each line, as HED-BSDS and PASCAL have them (`.lst`).
    List {
        /// The text file; names in it are relative to its folder.
        list: PathBuf,
    },
    /// A folder of images and one of class masks with the same names: truth that knows only the boundaries
    /// between classes. For training only.
    Masks {
        /// The images.
        images: PathBuf,
        /// One PNG for each image: grey values are classes, and 255 is unknown; or colours of PASCAL VOC's
        /// palette.
        masks: PathBuf,
        /// Number of classes, including the background.
        classes: usize,
    },
    /// A folder of images without truth, for which a teacher says where edges are. For training only.
    Pictures {
        /// The images.
        pictures: PathBuf,
    },
}

/// Classes of PASCAL VOC, including the background.
const VOC_CLASSES: usize = 21;

impl Source {
    /// Whether people have drawn all the edges they saw in its images.
    pub fn is_drawn(&self) -> bool {
        !matches!(self, Self::Masks { .. } | Self::Pictures { .. })
    }

    /// The folder or list of its images.
    pub(crate) fn place(&self) -> &Path {
        match self {
            Self::Bsds { bsds: place, .. }
            | Self::Folders { images: place, .. }
            | Self::List { list: place }
            | Self::Masks { images: place, .. }
            | Self::Pictures { pictures: place } => place,
        }
    }
}

impl fmt::Display for Source {
    /// The source, for the metadata of models: names only, so that no folders of this machine are revealed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |path: &Path| {
            path.file_name().map_or("unnamed".into(), |name| name.to_string_lossy().into_owned())
        };
        match self {
            Self::Bsds { bsds, splits } => write!(f, "{} {}", name(bsds), splits.join("+")),
            Self::Folders { images, truth } => write!(f, "folders {} and {}", name(images), name(truth)),
            Self::List { list } => write!(f, "list {}", name(list)),
            Self::Masks { images, masks, .. } => write!(f, "folders {} and {}", name(images), name(masks)),
            Self::Pictures { pictures } => write!(f, "folder {}", name(pictures)),
        }
    }
}

/// A source to train on, and how.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Material {
    /// Where the images are.
    pub source: Source,
    /// How many of the training images come from here, in proportion to the other sources' shares. Either all
    /// sources have a share or none; without shares, every image of every source is used equally often.
    pub share: Option<f64>,
    /// Replaces `data.labels`.
    pub labels: Option<Labels>,
    /// Replaces `data.tolerance`, in pixels.
    pub tolerance: Option<usize>,
    /// Replaces `data.ignore`: the value of pixels that are ignored.
    pub ignore: Option<u16>,
    /// Whether the truth shows only some of the boundaries: all other pixels are then ignored.
    pub partial: bool,
    /// Weight of the teacher's term for this source, times `distil.trust`.
    pub trust: f32,
}

impl From<Source> for Material {
    /// A source with the settings of `data`.
    fn from(source: Source) -> Self {
        Self { source, share: None, labels: None, tolerance: None, ignore: None, partial: false, trust: 1.0 }
    }
}

impl fmt::Display for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// The largest tolerance, in pixels.
pub(super) const MOST_TOLERANCE: usize = 64;

impl Material {
    /// Checks the settings of all sources together.
    pub(super) fn check(all: &[Self]) -> Result<()> {
        check("data.train", "empty", !all.is_empty(), "at least one source of images")?;
        let shares: Vec<f64> = all.iter().filter_map(|material| material.share).collect();
        let found = format!("given by {} of {} sources", shares.len(), all.len());
        check(
            "share",
            found,
            shares.is_empty() || shares.len() == all.len(),
            "one of each source, or of none",
        )?;
        if !shares.is_empty() {
            check_shares("share", &shares)?;
        }
        for Self { source, tolerance, trust, .. } in all {
            let tolerance = tolerance.unwrap_or(0);
            check("tolerance", tolerance, tolerance <= MOST_TOLERANCE, "0 to 64 pixels")?;
            check("trust", trust, *trust >= 0.0 && trust.is_finite(), "at least 0")?;
            if let Source::Masks { classes, .. } = source {
                check("classes", classes, (2..=255).contains(classes), "2 to 255")?;
            }
        }
        Ok(())
    }
}

/// Shares need not sum to 1, but must not all be 0.
pub(super) fn check_shares(field: &'static str, shares: &[f64]) -> Result<()> {
    let sum: f64 = shares.iter().sum();
    let each = shares.iter().all(|share| *share >= 0.0);
    check(
        field,
        format!("{shares:?}"),
        each && sum > 0.0 && sum.is_finite(),
        "numbers of at least 0, some above",
    )
}

/// The fields of any kind of source.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    bsds: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    splits: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masks: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pictures: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<f32>,
}

/// The kinds of sources, for error messages.
const KINDS: &str = "a source is one of `bsds` with `splits`, `images` with `truth`, `list`, \
                     `images` with `masks` (and `classes`), and `pictures`";

impl TryFrom<Fields> for Material {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let Fields { share, labels, tolerance, ignore, partial, trust, .. } = fields;
        let partial = partial.unwrap_or(false);
        let own = Fields {
            share: None,
            labels: None,
            tolerance: None,
            ignore: None,
            partial: None,
            trust: None,
            ..fields
        };
        let (source, trust) = (own.try_into()?, trust.unwrap_or(1.0));
        Ok(Self { source, share, labels, tolerance, ignore, partial, trust })
    }
}

impl From<Material> for Fields {
    fn from(material: Material) -> Self {
        let Material { source, share, labels, tolerance, ignore, partial, trust } = material;
        let (partial, trust) = (Some(partial), Some(trust));
        Self { share, labels, tolerance, ignore, partial, trust, ..source.into() }
    }
}

impl TryFrom<Fields> for Source {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let Fields { bsds, splits, images, truth, list, masks, classes, pictures, .. } = fields;
        let Fields { share, labels, tolerance, ignore, partial, trust, .. } = fields;
        let given = [
            ("share", share.is_some()),
            ("labels", labels.is_some()),
            ("tolerance", tolerance.is_some()),
            ("ignore", ignore.is_some()),
            ("partial", partial.is_some()),
            ("trust", trust.is_some()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
            return Err(format!(
                "`{name}` is for sources that are learnt from, not for those that are measured on"
            ));
        }
        match (bsds, splits, images, truth, list, masks, classes, pictures) {
            (Some(bsds), Some(splits), None, None, None, None, None, None) => Ok(Self::Bsds { bsds, splits }),
            (None, None, Some(images), Some(truth), None, None, None, None) => {
                Ok(Self::Folders { images, truth })
            }
            (None, None, None, None, Some(list), None, None, None) => Ok(Self::List { list }),
            (None, None, Some(images), None, None, Some(masks), classes, None) => {
                Ok(Self::Masks { images, masks, classes: classes.unwrap_or(VOC_CLASSES) })
            }
            (None, None, None, None, None, None, None, Some(pictures)) => Ok(Self::Pictures { pictures }),
            _ => Err(KINDS.to_owned()),
        }
    }
}

impl From<Source> for Fields {
    fn from(source: Source) -> Self {
        let none = Self::default();
        match source {
            Source::Bsds { bsds, splits } => Self { bsds: Some(bsds), splits: Some(splits), ..none },
            Source::Folders { images, truth } => Self { images: Some(images), truth: Some(truth), ..none },
            Source::List { list } => Self { list: Some(list), ..none },
            Source::Masks { images, masks, classes } => {
                Self { images: Some(images), masks: Some(masks), classes: Some(classes), ..none }
            }
            Source::Pictures { pictures } => Self { pictures: Some(pictures), ..none },
        }
    }
}
