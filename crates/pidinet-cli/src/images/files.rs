//! Writing maps to disk.
//!
//! Computing threads write files under temporary names; the thread that reports them waits for the disk and
//! moves them into place, so a batch is safe from power cuts and hardly slower.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pidinet::save::{Staged, sync_folder};

use super::outputs::Output;
use crate::ui;

/// How many files are moved into place before their folders are synced, and how many are synced together.
pub(crate) const DOZEN: usize = 12;

/// The content of an output that is not in place yet.
pub(super) enum Prepared {
    Stdout(Vec<u8>),
    File(Staged),
}

impl Prepared {
    /// Writes a file under a temporary name.
    pub(super) fn new(output: &Output, bytes: Vec<u8>) -> anyhow::Result<Self> {
        match output {
            Output::Stdout => Ok(Self::Stdout(bytes)),
            Output::File(path) => {
                make_folder_of(path)?;
                Ok(Self::File(Staged::new(path, &bytes)?))
            }
        }
    }
}

/// Makes the folder for a file.
fn make_folder_of(path: &Path) -> anyhow::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make folder {}", folder.display())),
        _ => Ok(()),
    }
}

/// Waits until files are safely on disk, all at the same time: a disk hardly takes longer for a dozen than
/// for one.
pub(super) fn sync_together<'a>(files: impl Iterator<Item = &'a mut Prepared>) {
    let files = files.filter_map(|file| match file {
        Prepared::File(staged) => Some(staged),
        Prepared::Stdout(_) => None,
    });
    sync_all(files.collect());
}

/// Waits until files are safe on the disk, all at the same time.
pub(crate) fn sync_all(mut files: Vec<&mut Staged>) {
    let Some(last) = files.pop() else { return };
    std::thread::scope(|scope| {
        for staged in files {
            // If no thread can be started, the file is synced when it is moved into place.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || staged.sync());
        }
        last.sync();
    });
}

/// Folders with files whose names may be lost in a power cut.
#[derive(Default)]
pub(super) struct Folders {
    unsynced: BTreeSet<PathBuf>,
    files: usize,
}

impl Folders {
    /// Moves an output into place.
    pub(super) fn put(&mut self, prepared: Prepared) -> anyhow::Result<()> {
        match prepared {
            Prepared::Stdout(bytes) => ui::print(&bytes),
            Prepared::File(staged) => {
                self.unsynced.extend(staged.commit()?);
                self.files += 1;
                if self.files >= DOZEN {
                    self.sync();
                }
                Ok(())
            }
        }
    }

    /// Syncs all folders.
    pub(super) fn sync(&mut self) {
        std::mem::take(&mut self.unsynced).iter().for_each(|folder| sync_folder(folder));
        self.files = 0;
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        self.sync();
    }
}
