//! Temporary files that a killed process left behind.
//!
//! Whoever writes one holds a lock on it, and the lock ends with the process, however that ends. So a file
//! without a lock belongs to nobody, unless it was created this very moment.

use std::collections::HashSet;
use std::fs::{self, DirEntry, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// How the names of temporary files begin and end; a further extension may follow.
pub(super) const PREFIX: &str = ".pidinet-";
pub(super) const SUFFIX: &str = ".tmp";

/// The owner of a younger file may be about to lock it.
const OLD: Duration = Duration::from_secs(10);

/// Most entries of a folder that are looked at.
const MOST: usize = 100_000;

/// Marks a temporary file as being written. Where files cannot be locked, nothing is swept either.
pub(super) fn own(file: &File) {
    if let Err(error) = file.try_lock() {
        log::debug!("a temporary file cannot be locked: {error}");
    }
}

/// Sweeps a folder the first time that this process writes to it.
pub(super) fn once(folder: &Path) {
    static SWEPT: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    if SWEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned()) {
        sweep(folder, OLD);
    }
}

/// Removes the temporary files in a folder that are older than `old` and belong to nobody.
fn sweep(folder: &Path, old: Duration) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().take(MOST) {
        let name = entry.file_name();
        if is_ours(&name.to_string_lossy()) && is_nobodys(&entry, old) {
            log::debug!("removing {}, which a process that is gone has left", entry.path().display());
            let _ = fs::remove_file(entry.path()); // where that fails, it does no harm
        }
    }
}

fn is_ours(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).and_then(|name| name.split_once(SUFFIX));
    rest.is_some_and(|(_, extension)| extension.is_empty() || extension.starts_with('.'))
}

fn is_nobodys(entry: &DirEntry, old: Duration) -> bool {
    let Ok(metadata) = entry.metadata() else { return false };
    let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
    if !metadata.is_file() || age.is_none_or(|age| age < old) {
        return false;
    }
    let Ok(file) = File::open(entry.path()) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::Staged;

    #[test]
    fn only_files_of_processes_that_are_gone_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let staged = Staged::new(path("map"), b"bytes").unwrap();
        for name in [".pidinet-left.tmp", ".pidinet-film.tmp.mp4", ".pidinet-else", "other.tmp", "map.png"] {
            fs::write(path(name), "").unwrap();
        }
        fs::create_dir(path(".pidinet-folder.tmp")).unwrap();
        sweep(folder.path(), Duration::from_secs(3600));
        assert!(path(".pidinet-left.tmp").exists(), "it is young");
        sweep(folder.path(), Duration::ZERO);
        assert!(!path(".pidinet-left.tmp").exists() && !path(".pidinet-film.tmp.mp4").exists());
        for name in [".pidinet-else", "other.tmp", "map.png", ".pidinet-folder.tmp"] {
            assert!(path(name).exists(), "{name}");
        }
        staged.commit().unwrap();
        assert_eq!(fs::read(path("map")).unwrap(), b"bytes", "what is being written is let alone");
    }

    #[test]
    fn the_first_file_in_a_folder_sweeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".pidinet-left.tmp");
        let file = File::create(&left).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(60)).unwrap();
        drop(file);
        crate::atomic::write_atomically(folder.path().join("map"), b"").unwrap();
        assert!(!left.exists());
    }
}
