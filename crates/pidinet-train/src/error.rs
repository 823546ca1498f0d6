//! What can go wrong, one variant for each thing a caller can act on.

use std::path::PathBuf;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why training could not continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A file could not be written; an existing file is untouched.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A configuration is not TOML, or has an unknown field or one that does not fit.
    #[error("cannot use configuration {}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },

    /// A field of the configuration has a value that makes no sense.
    #[error("configuration: `{field}` is {found}, expected {expected}")]
    Config {
        /// Its name.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },

    /// An image, or a model, could not be used.
    #[error(transparent)]
    Library(#[from] pidinet::Error),

    /// Ground truth could not be used, or a data set does not fit together.
    #[error(transparent)]
    Eval(#[from] pidinet_eval::Error),

    /// A file can be read, but holds something else.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },

    /// There is neither a file nor a built-in model of this name.
    #[error("there is no file and no built-in model named {}; the built-in models are {}", name.display(), names.join(", "))]
    NoModel {
        /// The name.
        name: PathBuf,
        /// The built-in edge models.
        names: Vec<&'static str>,
    },

    /// A folder has no images.
    #[error("{} contains no images to learn from", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },

    /// An image and its truth differ in size.
    #[error("{}: truth is {}x{}, its image {}x{}", path.display(), truth.0, truth.1, image.0, image.1)]
    Size {
        /// The file of the truth.
        path: PathBuf,
        /// Columns and rows of the image.
        image: (usize, usize),
        /// Columns and rows of the truth.
        truth: (usize, usize),
    },

    /// The validation images do not have the classes of the training images.
    #[error("validation images have the classes {found}, expected {expected}")]
    Classes {
        /// Classes of the training images.
        expected: String,
        /// Classes of the validation images.
        found: String,
    },

    /// The loss became infinite or not a number.
    #[error("the loss is {loss} at step {step} (images {}); try a lower learning rate", images.join(", "))]
    Diverged {
        /// The loss.
        loss: f64,
        /// The step, the first being 1.
        step: u64,
        /// Names of the batch's images.
        images: Vec<String>,
    },

    /// A checkpoint is damaged, or belongs to another run.
    #[error("cannot resume from {}: found {found}, expected {expected}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was needed.
        expected: String,
    },

    /// A step would not fit into memory.
    #[error(
        "crops of {crop} pixels in batches of {batch} need about {:.1} GiB of memory, and there are {:.1}: lower \
         augment.crop, train.batch or the number of threads",
        *needed as f64 / f64::from(1 << 30), *available as f64 / f64::from(1 << 30)
    )]
    Memory {
        /// Rows and columns of a crop.
        crop: usize,
        /// Images a step.
        batch: usize,
        /// Approximate bytes that a step takes.
        needed: u64,
        /// Bytes available.
        available: u64,
    },

    /// The folder already holds a run.
    #[error("{} already holds a run: continue it with --resume, or choose another folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },

    /// More images could not be used than the configuration allows.
    #[error("{} images could not be used, the first of them {first}", count)]
    Images {
        /// How many.
        count: u64,
        /// What was wrong with the first.
        first: String,
    },

    /// An accelerator is missing, or stopped working.
    #[error("{device} failed: {reason}; everything saved so far is intact")]
    Device {
        /// Its name.
        device: String,
        /// The error it reported.
        reason: String,
    },

    /// A device computes different results from the engine.
    #[error(
        "{device} computes wrong maps: on a 64x64 image one pixel differs from the engine's result by {difference:.2e}, more \
         than the {tolerance} that rounding explains; nothing was trained. Its driver, or the code in this program for it, is \
         faulty: --device cpu trains without it"
    )]
    WrongMaps {
        /// Its name.
        device: String,
        /// The greatest difference between probabilities.
        difference: f32,
        /// The greatest that is allowed.
        tolerance: f32,
    },
}
