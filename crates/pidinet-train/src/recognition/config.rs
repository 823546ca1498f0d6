//! Everything that decides how a run goes: a TOML file, each field with its meaning and default.

use std::path::{Path, PathBuf};

use pidinet::arch::Kind;
use pidinet::arch::recognition::{RecognitionArch, Shortcut, Stage, Stem};
use serde::{Deserialize, Serialize};

use super::signs::{Precision, Straight};
use crate::optimizer::Adam;
use crate::schedule::Schedule;
use crate::settings::{Train, check, invalid};
use crate::{Error, Result};

/// A training run of a recognition network.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// All randomness follows from it: first weights, order of images, augmentation.
    pub seed: u64,
    /// The network.
    pub model: Model,
    /// Images with classes.
    pub data: Data,
    /// How images are augmented.
    pub augment: Augment,
    /// What is binary, and what the targets are.
    pub binary: Binary,
    /// Steps and batches.
    pub train: Train,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// How parameters follow their gradients.
    pub optimizer: Adam,
    /// What is measured during the run.
    pub validation: Validation,
}

impl Default for Config {
    /// The settings for `bi-pidinet-s` on CIFAR-10.
    fn default() -> Self {
        Self {
            seed: 0,
            model: Model::default(),
            data: Data::default(),
            augment: Augment::default(),
            binary: Binary::default(),
            train: Train { epochs: 60.0, batch: 64, ..Train::default() },
            schedule: Schedule { rate: 0.002, ..Schedule::default() },
            optimizer: Adam { beta2: 0.999, weight_decay: 0.0, ..Adam::default() },
            validation: Validation::default(),
        }
    }
}

/// The network.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// Channels of the first stage; each other stage has twice those of the one before.
    pub width: usize,
    /// Blocks of each stage.
    pub blocks: Vec<usize>,
    /// `cifar`, `imagenet` or `light`.
    pub stem: String,
    /// `projected` or `pooled`.
    pub shortcut: String,
    /// Differences of the Bi-PDC branch: `cd`, `ad` or `rd`, for all stages or one for each.
    pub difference: Vec<String>,
    /// Share ρ of each block's inputs that goes to the Bi-PDC branch, for all stages or one for each.
    pub rho: Vec<f32>,
}

impl Default for Model {
    /// `bi-pidinet-s`, with differences for a fifth of its inputs.
    fn default() -> Self {
        Self::of(&RecognitionArch::small(1).with_differences(Kind::Central, 0.2))
    }
}

impl Model {
    /// The fields for an architecture.
    pub fn of(arch: &RecognitionArch) -> Self {
        let RecognitionArch { width, stages, stem, shortcut, .. } = arch;
        Self {
            width: *width,
            blocks: stages.iter().map(|stage| stage.blocks).collect(),
            stem: stem.name().to_owned(),
            shortcut: shortcut.name().to_owned(),
            difference: same(stages.iter().map(|stage| stage.difference.letters().to_owned())),
            rho: same(stages.iter().map(|stage| stage.rho)),
        }
    }

    /// The architecture that the fields describe, for this many classes.
    ///
    /// # Errors
    ///
    /// If a field has a value that makes no sense.
    pub fn arch(&self, classes: usize) -> Result<RecognitionArch> {
        let count = self.blocks.len();
        check("model.width", self.width, (1..=1024).contains(&self.width), "1 to 1024")?;
        check("model.blocks", count, (1..=8).contains(&count), "1 to 8 stages")?;
        let stem = Stem::named(&self.stem)
            .ok_or_else(|| invalid("model.stem", &self.stem, "cifar, imagenet or light".to_owned()))?;
        let shortcut = Shortcut::named(&self.shortcut)
            .ok_or_else(|| invalid("model.shortcut", &self.shortcut, "projected or pooled".to_owned()))?;
        let fits = |len: usize| len == 1 || len == count;
        check("model.difference", self.difference.len(), fits(self.difference.len()), "one, or one a stage")?;
        check("model.rho", self.rho.len(), fits(self.rho.len()), "one, or one a stage")?;
        let stage = |(number, &blocks): (usize, &usize)| {
            let name = &self.difference[number % self.difference.len()];
            let difference = match name.as_str() {
                "cd" => Kind::Central,
                "ad" => Kind::Angular,
                "rd" => Kind::Radial,
                _ => return Err(invalid("model.difference", name, "cd, ad or rd".to_owned())),
            };
            let rho = self.rho[number % self.rho.len()];
            check("model.rho", rho, (0.0..=1.0).contains(&rho), "0 to 1")?;
            check("model.blocks", blocks, (1..=64).contains(&blocks), "1 to 64 in each stage")?;
            Ok(Stage { blocks, difference, rho })
        };
        let stages = self.blocks.iter().enumerate().map(stage).collect::<Result<_>>()?;
        Ok(RecognitionArch { width: self.width, stages, stem, shortcut, classes })
    }
}

/// A single value if all are the same.
fn same<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        values.truncate(1);
    }
    values
}

/// Images with classes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// A folder or archive with a folder for each class, or the binary batches of CIFAR.
    pub path: PathBuf,
    /// The split to train on; empty for everything.
    pub train: String,
    /// The split to validate on; empty for none.
    pub validation: String,
    /// Number of images of each class that are taken from training and used for validation instead.
    pub held_out: usize,
    /// How many images may be damaged before the run stops.
    pub skip: usize,
    /// Decoded images are kept in memory if all of them take at most this many MiB; else they are read each
    /// time.
    pub cache_mib: usize,
    /// Threads that prepare images while the network computes.
    pub loaders: usize,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            train: "train".to_owned(),
            validation: String::new(),
            held_out: 0,
            skip: 0,
            cache_mib: 2048,
            loaders: 1,
        }
    }
}

/// How images are augmented.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Whether half of the images are mirrored.
    pub flip: bool,
    /// Zeros around the image before a random crop of the network's size.
    pub pad: usize,
    /// The image is first resized so that its shorter side is the network's times a factor from 1 to this.
    pub scale: f32,
    /// Side of a square that is blanked out at random; 0 for none.
    pub cutout: usize,
    /// Images are mixed with one another, shares from the distribution Beta(α, α); 0 for no mixing.
    pub mixup: f64,
}

impl Default for Augment {
    /// As usual for CIFAR: crops of padded images, mirrored or not.
    fn default() -> Self {
        Self { flip: true, pad: 4, scale: 1.0, cutout: 0, mixup: 0.0 }
    }
}

/// What is binary, and what the targets are.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Binary {
    /// What is binary in the end: `binary`, `activations`, or `real` for a teacher.
    pub precision: Precision,
    /// What replaces the gradient of an activation's sign: `clamp` or `polynomial`.
    pub straight: Straight,
    /// Share of the run in which weights are still real: the first of two stages.
    pub real_weights: f64,
    /// Share of the target that is spread over all classes.
    pub smoothing: f32,
    /// The folder of a run whose network is the teacher: a real one of the same layout.
    pub teacher: Option<PathBuf>,
    /// Share of the target that is the teacher's output.
    pub trust: f32,
}

impl Default for Binary {
    fn default() -> Self {
        Self {
            precision: Precision::Binary,
            straight: Straight::Clamp,
            real_weights: 0.0,
            smoothing: 0.1,
            teacher: None,
            trust: 0.9,
        }
    }
}

/// What is measured during the run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// Epochs between validations; 0 for never.
    pub epochs: f64,
}

impl Default for Validation {
    fn default() -> Self {
        Self { epochs: 1.0 }
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

    /// Reads a configuration from its text. Configurations of the first version say
    /// `train.average = 0.0`, that weights are not averaged: nothing else is possible, and it need
    /// not be said.
    ///
    /// # Errors
    ///
    /// If it is not TOML, or has an unknown field or one that does not fit.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut table: toml::Table = toml::from_str(text)?;
        let train = table.get_mut("train").and_then(toml::Value::as_table_mut);
        match train.and_then(|train| train.remove("average")) {
            Some(toml::Value::Float(0.0) | toml::Value::Integer(0)) => table.try_into(),
            // Parsed from the text, so that errors have a position.
            _ => toml::from_str(text),
        }
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
        self.model.arch(1)?;
        check("data.path", "empty", !self.data.path.as_os_str().is_empty(), "a folder or archive")?;
        check("data.loaders", self.data.loaders, (1..=64).contains(&self.data.loaders), "1 to 64")?;
        let Augment { pad, scale, mixup, .. } = self.augment;
        check("augment.pad", pad, pad <= 1024, "0 to 1024")?;
        check("augment.scale", scale, (1.0..=8.0).contains(&scale), "1 to 8")?;
        check("augment.mixup", mixup, (0.0..=10.0).contains(&mixup), "0 to 10")?;
        let Binary { real_weights, smoothing, trust, .. } = self.binary;
        check("binary.real_weights", real_weights, (0.0..=1.0).contains(&real_weights), "0 to 1")?;
        check("binary.smoothing", smoothing, (0.0..1.0).contains(&smoothing), "at least 0, below 1")?;
        check("binary.trust", trust, (0.0..=1.0).contains(&trust), "0 to 1")?;
        self.train.check()?;
        self.optimizer.check()?;
        self.schedule.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_that_older_configurations_rule_out_may_be_said() {
        let old =
            |average: &str| Config::parse(&format!("seed = 7\n[train]\nsteps = 3\naverage = {average}\n"));
        assert_eq!(old("0.0").unwrap(), Config::parse("seed = 7\n[train]\nsteps = 3\n").unwrap());
        assert_eq!(old("0").unwrap().train.steps, 3);
        let error = old("0.5").unwrap_err().to_string();
        assert!(error.contains("unknown field `average`") && error.contains("line 4"), "{error}");
        assert!(!Config::default().to_toml().contains("average"));
    }
}
