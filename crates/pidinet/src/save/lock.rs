//! One run at a time in a folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::{Error, Result};

/// A folder that no other process uses for a run of its own as long as this exists. The lock ends with the
/// process, however that ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: Option<File>,
}

impl FolderLock {
    /// Locks a folder, which must exist.
    ///
    /// Where the file system has no locks, nothing is locked.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run has it.
    pub fn take(folder: &Path) -> Result<Self> {
        let file = match open(folder) {
            Ok(file) => file,
            Err(source) => return Err(Error::Read { path: folder.to_owned(), source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: folder.to_owned() }),
            Err(TryLockError::Error(error)) => {
                log::debug!("the folder {} cannot be locked: {error}", folder.display());
                Ok(Self { _file: None })
            }
        }
    }
}

/// Opens what is locked: the folder itself, so that no file stays behind.
#[cfg(unix)]
fn open(folder: &Path) -> std::io::Result<File> {
    File::open(folder)
}

/// Opens what is locked: a file, since folders cannot be opened here.
#[cfg(not(unix))]
fn open(folder: &Path) -> std::io::Result<File> {
    File::options().write(true).create(true).truncate(false).open(folder.join(".pidinet.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let error = FolderLock::take(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
        assert!(FolderLock::take(&folder.path().join("none")).is_err());
    }
}
