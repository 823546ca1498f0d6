//! Files that appear whole or not at all, even through a power cut.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Result};
use place::Place;
use sync::unless_unsupported;
use temporary::Temporary;

mod growing;
mod place;
mod sweep;
mod sync;
mod temporary;

pub use growing::Growing;
pub use sync::sync_folder;
pub use temporary::abandon_temporaries;

/// Writes a file, whole or not at all.
///
/// The bytes go to a temporary file in the same folder, which is synced and then renamed to `path`; then the
/// folder is synced. A symbolic link is followed. Permissions are those of any new file. What is not a file,
/// such as `/dev/null` or a named pipe, is written to directly.
///
/// # Errors
///
/// If the file cannot be written; an existing file is then untouched and no temporary file remains.
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = Staged::new(path, bytes)?.commit()? {
        sync_folder(&folder);
    }
    Ok(())
}

/// A file that is written but not yet in its place; dropping it removes it.
///
/// [`write_atomically`] in two steps, the second of which waits for the disk: many files are written sooner
/// if another thread does that.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    content: Content,
    /// The result of syncing, once that was done. It is not tried again, since a system may report success
    /// the second time.
    synced: Option<io::Result<()>>,
}

#[derive(Debug)]
enum Content {
    /// A temporary file, and the file it will replace.
    File { file: Temporary, target: PathBuf, folder: PathBuf },
    /// Bytes for something that is not a file.
    Direct(Vec<u8>),
}

impl Staged {
    /// Writes the bytes to a temporary file beside `path`; see [`write_atomically`].
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub fn new(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source| Error::Write { path: path.to_owned(), source };
        Ok(Self { path: path.to_owned(), content: stage(path, bytes).map_err(failed)?, synced: None })
    }

    /// Waits until the file is safely on disk, as [`Self::commit`] does otherwise. Several files get there
    /// sooner if they are synced at the same time, each by its own thread.
    pub fn sync(&mut self) {
        self.sync_by(File::sync_data);
    }

    fn sync_by(&mut self, sync: impl FnOnce(&File) -> io::Result<()>) {
        if let (None, Content::File { file, .. }) = (&self.synced, &self.content) {
            self.synced = Some(sync(file.as_file()).or_else(unless_unsupported));
        }
    }

    /// Syncs the file and moves it into place. Returns the folder, which the caller should sync as well after
    /// a dozen files or so; `None` if the target is not a file.
    ///
    /// # Errors
    ///
    /// If it cannot be synced or moved; an existing file is then untouched and no temporary file remains.
    pub fn commit(self) -> Result<Option<PathBuf>> {
        self.commit_after(File::sync_data)
    }

    fn commit_after(mut self, sync: impl FnOnce(&File) -> io::Result<()>) -> Result<Option<PathBuf>> {
        self.sync_by(sync);
        let Self { path, content, synced } = self;
        let commit = || match content {
            Content::File { file, target, folder } => {
                // Without it a power cut can keep the new name and lose the bytes.
                synced.transpose()?;
                file.persist(&target)?;
                Ok(Some(folder))
            }
            Content::Direct(bytes) => {
                File::options().write(true).open(&path)?.write_all(&bytes)?;
                Ok(None)
            }
        };
        commit().map_err(|source| Error::Write { path: path.clone(), source })
    }
}

fn stage(path: &Path, bytes: &[u8]) -> io::Result<Content> {
    match Place::of(path)? {
        Place::File { target, folder } => {
            let mut file = Temporary::within(&folder)?;
            file.write_all(bytes)?;
            Ok(Content::File { file, target, folder })
        }
        Place::Direct => Ok(Content::Direct(bytes.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_file_is_made_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map");
        for bytes in [&b"long before"[..], b"after"] {
            write_atomically(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(names(folder.path()), ["map"]);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(folder.path().join("none/map"), b"").unwrap_err();
        assert!(error.to_string().contains("none/map"), "{error}");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_folder_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("map")).unwrap();
        assert!(write_atomically(folder.path().join("map"), b"").is_err());
        assert_eq!(names(folder.path()), ["map"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_a_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        File::create(folder.path().join("plain")).unwrap();
        write_atomically(folder.path().join("ours"), b"").unwrap();
        assert_eq!(mode("ours"), mode("plain"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, b"before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomically(&link, b"after").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_stays() {
        write_atomically("/dev/null", b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_file_is_synced_before_it_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map");
        fs::write(&path, b"before").unwrap();
        let mut synced = 0;
        let staged = Staged::new(&path, b"after").unwrap();
        let committed = staged.commit_after(|file| {
            synced += 1;
            assert_eq!(file.metadata()?.len(), 5, "all bytes are written");
            assert_eq!(fs::read(&path)?, b"before", "and nothing has moved");
            file.sync_data()
        });
        assert_eq!(
            (committed.unwrap().as_deref(), synced),
            (Some(&*folder.path().canonicalize().unwrap()), 1)
        );
        assert_eq!(fs::read(&path).unwrap(), b"after");
    }

    #[test]
    fn a_file_that_cannot_be_synced_does_not_take_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map");
        fs::write(&path, b"before").unwrap();
        let failing = |_: &File| Err(io::Error::other("the disk is gone"));
        let error = Staged::new(&path, b"after").unwrap().commit_after(failing).unwrap_err();
        assert!(error.to_string().contains("map"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"before");
        let unable = |_: &File| Err(ErrorKind::Unsupported.into());
        Staged::new(&path, b"after").unwrap().commit_after(unable).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), names(folder.path())),
            (b"after".to_vec(), vec!["map".to_owned()])
        );
    }

    #[test]
    fn what_is_not_committed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let staged = Staged::new(folder.path().join("map"), b"bytes").unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(staged);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn syncing_that_failed_is_not_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut staged = Staged::new(folder.path().join("map"), b"bytes").unwrap();
        staged.sync_by(|_| Err(io::Error::other("the disk is gone")));
        staged.sync();
        assert!(staged.commit().is_err());
        assert!(names(folder.path()).is_empty());
    }
}
