//! Why a TIFF file cannot be read.

use crate::error::Error;

/// Why a file cannot be read.
#[derive(Debug)]
pub(super) enum Problem {
    /// It ends before its pixels do.
    Short,
    /// It contradicts the format.
    Damaged(String),
    /// It is of an unsupported kind.
    Kind(String),
    /// The system could not read it.
    Read(std::io::Error),
    /// Its values cannot belong to an image.
    Image(Error),
}

impl Problem {
    /// An unsupported kind.
    pub(super) fn kind(name: impl Into<String>) -> Self {
        Self::Kind(name.into())
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::UnexpectedEof { Self::Short } else { Self::Read(error) }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        const FORMAT: &str = "TIFF";
        match problem {
            Problem::Short => Self::ImageCutShort { format: FORMAT },
            Problem::Damaged(source) => Self::DecodeImage { format: FORMAT, source: source.into() },
            Problem::Kind(found) => Self::ImageKind { format: FORMAT, found },
            Problem::Read(source) => Self::ReadImage { source },
            Problem::Image(error) => error,
        }
    }
}
