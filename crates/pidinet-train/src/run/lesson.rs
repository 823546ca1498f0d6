//! What differs between runs: what is learnt, from what, and how it is validated.

use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use pidinet::weights::ModelInfo;

use super::metrics::Scores;
use crate::learner::Learner;
use crate::settings::Train;
use crate::{Error, Result};

/// What every configuration says about its run.
pub(crate) struct Rules<'a> {
    /// The complete configuration as TOML.
    pub(crate) config: String,
    /// Whether a configuration in TOML means the same, even if it has fewer fields.
    pub(crate) says_same: &'a dyn Fn(&str) -> bool,
    /// Steps and batches.
    pub(crate) train: Train,
    /// The learning rate when this share of the run is done.
    pub(crate) rate: &'a dyn Fn(f64) -> f64,
    /// All randomness follows from it.
    pub(crate) seed: u64,
    /// Epochs between validations; 0 for never.
    pub(crate) validation_epochs: f64,
    /// How many images may be damaged before the run stops.
    pub(crate) skip: usize,
}

/// A network and what it learns from.
pub(crate) trait Lesson: Debug {
    /// The score that decides which model is best; greater is better.
    const DECIDES: &'static str;

    /// Number of training images.
    fn images(&self) -> usize;

    /// A description of the training images, for the model's metadata.
    fn training_data(&self) -> String;

    /// The parameters and the state of the optimiser.
    fn learner(&self) -> &Learner;

    /// The same, to replace by those of a checkpoint.
    fn learner_mut(&mut self) -> &mut Learner;

    /// What a new run does before its first step.
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    /// Prepares to learn from batch `step` on, the first being 0, out of `steps` in total unless the clock
    /// decides.
    fn prepare(&mut self, step: u64, steps: Option<u64>);

    /// Learns from the next batch with this learning rate; `done` is the share of the run before it, `step`
    /// the number of steps. `None`, without learning, if `stop` becomes true.
    fn learn(&mut self, step: u64, done: f64, rate: f64, stop: &AtomicBool) -> Result<Option<Learnt>>;

    /// Validates the network on images that it is not trained on, if there are any, and saves some pictures
    /// in a folder.
    fn validate(&mut self, pictures: &Path, stop: &AtomicBool) -> Result<Validated>;

    /// Saves the network as a model.
    fn save(&self, path: &Path, info: ModelInfo) -> Result<()>;
}

/// The result of validation.
#[derive(Debug)]
pub(crate) enum Validated {
    /// There are no validation images.
    Nothing,
    /// It was told to stop.
    Stopped,
    /// Scores.
    Scores(Scores),
}

/// The result of a step.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    /// Sum of the images' losses.
    pub(crate) loss: f64,
    /// Number of images.
    pub(crate) images: u64,
    /// Those that could not be used: name and reason.
    pub(crate) failed: Vec<(String, Error)>,
}
