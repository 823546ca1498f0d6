//! Waiting for the disk.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Makes the names of new files in a folder survive a power cut, where the system can do that.
pub fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Err(error) = File::open(folder).and_then(|folder| folder.sync_all())
    {
        log::debug!("cannot sync the folder {}: {error}", folder.display());
    }
}

/// Some file systems cannot sync: what they hold is as safe as it can be.
pub(super) fn unless_unsupported(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    }
}
