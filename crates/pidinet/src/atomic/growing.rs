//! Files that are written bit by bit, or by other programs.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::place::Place;
use super::sync::{sync_folder, unless_unsupported};
use super::temporary::Temporary;
use crate::{Error, Result};

/// A file that grows under a temporary name until it takes its place; it is gone if it is dropped before.
///
/// It is written to here, or by another program that is told [`Growing::path`]. What is not a file, such as `/dev/null`
/// or a named pipe, is written to directly.
///
/// ```
/// use std::io::Write;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("film.y4m");
/// let mut film = pidinet::save::Growing::new(&path)?;
/// film.write_all(b"YUV4MPEG2")?;
/// assert!(!path.exists());
/// film.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"YUV4MPEG2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// A temporary file, and what it is to replace.
    File { file: Temporary, target: PathBuf, folder: PathBuf },
    /// Something that is not a file, once it is written to.
    Direct(Option<File>),
}

impl Growing {
    /// An empty file beside `path`, whose extension it has, too.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let content = || match Place::of(path)? {
            Place::File { target, folder } => {
                let file = Temporary::like(&folder, target.extension().unwrap_or_default())?;
                Ok(Content::File { file, target, folder })
            }
            Place::Direct => Ok(Content::Direct(None)),
        };
        let content = content().map_err(|source| Error::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), content })
    }

    /// What another program is to write to.
    pub fn path(&self) -> &Path {
        match &self.content {
            Content::File { file, .. } => file.path(),
            Content::Direct(_) => &self.path,
        }
    }

    /// Syncs the file, lets it take its place, and syncs the folder.
    ///
    /// # Errors
    ///
    /// If it cannot be synced or moved; what was there before is then untouched and no temporary file remains.
    pub fn commit(self) -> Result<()> {
        let Content::File { file, target, folder } = self.content else { return Ok(()) };
        let synced = file.as_file().sync_data().or_else(unless_unsupported);
        synced
            .and_then(|()| file.persist(&target))
            .map_err(|source| Error::Write { path: self.path, source })?;
        sync_folder(&folder);
        Ok(())
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.content {
            Content::File { file, .. } => file.write(bytes),
            Content::Direct(Some(file)) => file.write(bytes),
            Content::Direct(none) => none.insert(File::options().write(true).open(&self.path)?).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // nothing is held back
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn another_program_writes_under_a_name_with_the_extension() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("film.mp4");
        fs::write(&place, "before").unwrap();
        let growing = Growing::new(&place).unwrap();
        assert_eq!(growing.path().extension().unwrap(), "mp4");
        fs::write(growing.path(), "by another").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"before");
        growing.commit().unwrap();
        assert_eq!(
            (fs::read(&place).unwrap(), names(folder.path())),
            (b"by another".to_vec(), vec!["film.mp4".into()])
        );
    }

    #[test]
    fn what_is_not_committed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mut growing = Growing::new(folder.path().join("film")).unwrap();
        growing.write_all(b"some").unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(growing);
        assert!(names(folder.path()).is_empty());
        assert!(Growing::new(folder.path().join("none/film")).unwrap_err().to_string().contains("none/film"));
        assert!(Growing::new(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_stays() {
        let mut growing = Growing::new("/dev/null").unwrap();
        assert_eq!(growing.path(), Path::new("/dev/null"));
        growing.write_all(b"gone").unwrap();
        growing.commit().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
