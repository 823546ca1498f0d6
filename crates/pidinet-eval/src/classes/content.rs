//! Files by name, and where to read their bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Error, Result};

/// Most bytes of one file: CIFAR's batches have up to 150 MB, and images less.
pub(super) const LONGEST: u64 = 256 << 20;

/// Most files of a data set, counting links.
pub(super) const MOST_FILES: usize = 10_000_000;

/// Files by their names.
pub(super) type Files = BTreeMap<String, Content>;

/// A file and its path, with `/` between folders.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Content,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A file.
    File(PathBuf),
    /// A part of an archive.
    Part { archive: Arc<Path>, start: u64, len: u64 },
    /// Bytes from a compressed archive.
    Held(Arc<[u8]>),
    /// A file that cannot be read, and why.
    Broken { path: Arc<Path>, reason: Arc<str> },
}

impl Content {
    /// A file that was found but cannot be read.
    pub(super) fn broken(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        let (path, reason): (PathBuf, String) = (path.into(), reason.into());
        Self::Broken { path: path.into(), reason: reason.into() }
    }

    pub(super) fn read(&self) -> Result<Arc<[u8]>> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Read { path, source }
        };
        match self {
            Self::File(path) => {
                let bytes = pidinet::files::read(path, LONGEST).map_err(unreadable(path))?;
                Ok(bytes.into())
            }
            Self::Part { archive, start, len } => {
                let read = || {
                    let mut file = fs::File::open(archive)?;
                    file.seek(SeekFrom::Start(*start))?;
                    let bytes = pidinet::files::read_all(io::Read::take(file, *len), LONGEST)?;
                    if bytes.len() as u64 == *len {
                        Ok(bytes)
                    } else {
                        Err(io::ErrorKind::UnexpectedEof.into())
                    }
                };
                Ok(read().map_err(unreadable(archive))?.into())
            }
            Self::Held(bytes) => Ok(bytes.clone()),
            Self::Broken { path, reason } => Err(unreadable(path)(io::Error::other(reason.to_string()))),
        }
    }
}
