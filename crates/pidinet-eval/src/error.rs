//! What can go wrong in an evaluation, one variant for each thing a user can act on.

use std::path::{Path, PathBuf};

use crate::files::mat5::MatError;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an evaluation could not be done.
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

    /// An image cannot be read, or a file not be written.
    #[error(transparent)]
    Pidinet(#[from] pidinet::Error),

    /// A file can be read, but holds something else.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },

    /// Predictions and truth do not go together; everything that is wrong, not only the first.
    #[error("the data set has {}:\n  {}", count(problems.len()), problems.join("\n  "))]
    Dataset {
        /// One line for each missing, unreadable or mis-sized file.
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
