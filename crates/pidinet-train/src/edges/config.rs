//! Everything that decides how a run goes: a TOML file, each field with its meaning and default.
//!
//! Unknown fields are errors. A run writes the configuration it used, with defaults filled in, next to
//! its results; together with the data it determines the trained weights.

use std::path::{Path, PathBuf};

use pidinet::arch::{Arch, Kinds};
use serde::{Deserialize, Serialize};

use crate::optimizer::Adam;
use crate::schedule::Schedule;
use crate::settings::{check, invalid};
use crate::{Error, Result};

mod augment;
mod distil;
mod labels;
mod phase;
mod source;
mod train;

pub use augment::Augment;
pub use distil::{Distil, Trust};
pub use labels::Labels;
pub use phase::Phase;
pub use source::{Material, Source};
pub use train::Train;

/// A training run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// All randomness follows from it: first weights, order of images, augmentation.
    pub seed: u64,
    /// The network.
    pub model: Model,
    /// Images and truth.
    pub data: Data,
    /// How images are augmented.
    pub augment: Augment,
    /// A teacher.
    pub distil: Distil,
    /// Steps and batches.
    pub train: Train,
    /// Phases of the run with settings of their own, in order. Without any, settings stay the same over the
    /// whole run.
    pub phase: Vec<Phase>,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// How parameters follow their gradients.
    pub optimizer: Adam,
    /// What is measured during the run.
    pub validation: Validation,
}

/// The network.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// Channels of the first stage: 20 is the published tiny, 30 small, 60 full.
    pub width: usize,
    /// Kinds of the layers: `carv4`, another published name, or sixteen of cv, cd, ad, rd.
    pub config: String,
    /// Channels of the dilation modules (CDCM); 0 for none.
    pub cdcm: usize,
    /// Whether there are attention modules (CSAM).
    pub csam: bool,
    /// Share θ of the pixel difference.
    pub theta: f32,
    /// A model file, or the name of a built-in model, to start from instead of random weights. One with fewer
    /// channels is widened: the network then computes at first what that model does.
    pub start: Option<PathBuf>,
    /// Parameters whose names start with one of these are not trained.
    pub freeze: Vec<String>,
}

impl Default for Model {
    /// The published tiny model.
    fn default() -> Self {
        let tiny = Self::of(&Arch::tiny());
        Self { start: None, freeze: Vec::new(), ..tiny }
    }
}

impl Model {
    /// The fields for an architecture.
    pub fn of(arch: &Arch) -> Self {
        Self {
            width: arch.width,
            config: arch.kinds.to_string(),
            cdcm: arch.cdcm.unwrap_or(0),
            csam: arch.csam,
            theta: arch.theta,
            start: None,
            freeze: Vec::new(),
        }
    }

    /// The architecture that the fields describe.
    ///
    /// # Errors
    ///
    /// If a field has a value that makes no sense.
    pub fn arch(&self) -> Result<Arch> {
        let kinds: Kinds = self
            .config
            .parse()
            .map_err(|error| invalid("model.config", &self.config, format!("a configuration: {error}")))?;
        check("model.width", self.width, (1..=1024).contains(&self.width), "1 to 1024")?;
        check("model.cdcm", self.cdcm, self.cdcm <= 1024, "0 to 1024")?;
        check("model.theta", self.theta, self.theta > 0.0 && self.theta <= 1.0, "above 0, at most 1")?;
        let cdcm = (self.cdcm > 0).then_some(self.cdcm);
        Ok(Arch { width: self.width, kinds, cdcm, csam: self.csam, theta: self.theta })
    }
}

/// Images and truth.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// The images to learn from.
    pub train: Vec<Material>,
    /// The images to validate on; they are not trained on.
    pub validation: Vec<Source>,
    /// A pixel's label if annotators disagree.
    pub labels: Labels,
    /// η: a pixel is a boundary if at least this share of annotators sees one; it is ignored if a smaller
    /// share does, but not none.
    pub eta: f32,
    /// Whether the target of a boundary is the share of annotators instead of 1.
    pub soft: bool,
    /// Pixels at most this far from a boundary, but not on it, are ignored: for ground truth that may be
    /// slightly misplaced.
    pub tolerance: usize,
    /// Pixels with this value in the ground truth (often 255) are ignored. Without it, every value counts.
    pub ignore: Option<u16>,
    /// λ: negative pixels count this many times as much as their share says.
    pub lambda: f32,
    /// How many images may be damaged, or have no usable truth, before the run stops.
    pub skip: usize,
    /// Decoded images are cached up to this many MiB; the rest are read again each time.
    pub cache_mib: usize,
    /// Threads that prepare images while the network computes.
    pub loaders: usize,
}

impl Default for Data {
    /// BSDS500 labels as in the published recipe.
    fn default() -> Self {
        Self {
            train: Vec::new(),
            validation: Vec::new(),
            labels: Labels::Mean,
            eta: 0.3,
            soft: false,
            tolerance: 0,
            ignore: None,
            lambda: 1.1,
            skip: 0,
            cache_mib: 2048,
            loaders: 1,
        }
    }
}

/// What is measured during the run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// Epochs between validations; 0 for never.
    pub epochs: f64,
    /// Thresholds of the scores, evenly spaced; the benchmark has 99.
    pub thresholds: usize,
    /// Most images to validate on; 0 for all.
    pub images: usize,
}

impl Default for Validation {
    fn default() -> Self {
        Self { epochs: 1.0, thresholds: 20, images: 0 }
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not TOML, or has an unknown field or one that does not fit.
    pub fn open(path: &Path) -> Result<Self> {
        let text =
            pidinet::files::read_text(path).map_err(|source| Error::Read { path: path.into(), source })?;
        Self::parse(&text).map_err(|source| Error::Toml { path: path.into(), source: Box::new(source) })
    }

    /// Reads a configuration from its text.
    ///
    /// # Errors
    ///
    /// If it is not TOML, or has an unknown field or one that does not fit.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The configuration as TOML, every field.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a configuration is numbers, texts and tables")
    }

    /// Checks the values that types do not.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the first value that makes no sense.
    pub fn check(&self) -> Result<()> {
        self.model.arch()?;
        let Data { eta, lambda, loaders, tolerance, .. } = self.data;
        Material::check(&self.data.train)?;
        for source in &self.data.validation {
            check(
                "data.validation",
                source,
                source.is_drawn(),
                "images with truth, neither masks nor pictures alone",
            )?;
        }
        check("data.tolerance", tolerance, tolerance <= source::MOST_TOLERANCE, "0 to 64 pixels")?;
        check("data.eta", eta, (0.0..=1.0).contains(&eta), "0 to 1")?;
        check("data.lambda", lambda, lambda > 0.0 && lambda.is_finite(), "above 0")?;
        check("data.loaders", loaders, (1..=64).contains(&loaders), "1 to 64")?;
        self.train.check()?;
        let thresholds = self.validation.thresholds;
        check("validation.thresholds", thresholds, (1..=999).contains(&thresholds), "1 to 999")?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.augment.check()?;
        self.distil.check()?;
        Phase::check(&self.phase, &self.augment, self.data.train.len())?;
        self.check_together()
    }

    /// Checks what parts require of each other.
    fn check_together(&self) -> Result<()> {
        let Self { data, distil, train, phase, .. } = self;
        let alone = data.train.iter().find(|material| matches!(material.source, Source::Pictures { .. }));
        if let Some(pictures) = alone {
            let expected = "a teacher (distil.maps or distil.model), as there is no truth";
            check("data.train", pictures, distil.is_on() && pictures.trust > 0.0, expected)?;
        }
        // The content of a batch must follow from its number, which is impossible if the clock decides.
        let steady = phase.is_empty() && matches!(distil.trust, Trust::Always(_));
        check(
            "train.minutes",
            train.minutes,
            train.minutes == 0.0 || steady,
            "0 with phases or a trust that changes",
        )
    }
}
