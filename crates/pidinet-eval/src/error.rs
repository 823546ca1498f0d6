//! The errors of this crate.

use std::path::{Path, PathBuf};

use crate::files::mat5::MatError;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A MATLAB file is damaged, or of another version.
    #[error("cannot read {} as a MATLAB file", path.display())]
    Mat {
        /// The file.
        path: PathBuf,
        /// Why.
        source: MatError,
    },

    /// An image cannot be read, or a file cannot be written.
    #[error(transparent)]
    Pidinet(#[from] pidinet::Error),

    /// A figure could not be drawn as an image.
    #[error("cannot draw the figure")]
    Figure(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// A file has unexpected content.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },

    /// Predictions and ground truth do not match.
    #[error("the data set has {}:\n  {}", count(problems.len()), problems.join("\n  "))]
    Dataset {
        /// All problems, one line per missing, unreadable or mis-sized file.
        problems: Vec<String>,
    },
}

impl Error {
    /// [`Error::Content`].
    pub(crate) fn content(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Content { path: path.into(), expected: expected.into(), found: found.into() }
    }

    /// The message and those of its causes, in one line.
    pub(crate) fn chain(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |line, cause| format!("{line}: {cause}"))
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "a problem".into() } else { format!("{problems} problems") }
}
