//! Where what is written to a path goes.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Where what is written to a path goes.
pub(super) enum Place {
    /// To a file, which is to be replaced as a whole, and the folder that it is in.
    File { target: PathBuf, folder: PathBuf },
    /// To something that is not a file: a device, a named pipe.
    Direct,
}

impl Place {
    /// A symbolic link is followed.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let target = match fs::metadata(path) {
            Ok(there) if there.is_file() => fs::canonicalize(path)?,
            Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(_) => return Ok(Self::Direct),
            Err(_) => path.to_owned(),
        };
        let folder = match target.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => return Err(ErrorKind::IsADirectory.into()),
        };
        let folder = folder.to_owned();
        Ok(Self::File { target, folder })
    }
}
