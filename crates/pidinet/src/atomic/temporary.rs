//! Temporary files, none of which stays behind when the process is ended on purpose.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::sweep;

/// The temporary files that exist. Whoever creates, moves or removes one holds the lock.
static LIVE: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);

/// A temporary file; dropping it removes it.
#[derive(Debug)]
pub(super) struct Temporary {
    file: File,
    /// `None` once it is in its place.
    path: Option<PathBuf>,
}

impl Temporary {
    /// Creates one in a folder.
    pub(super) fn within(folder: &Path) -> io::Result<Self> {
        let file = Self::make(folder, OsStr::new(""))?;
        sweep::own(&file.file);
        Ok(file)
    }

    /// Makes one in a folder for a program that tells formats by extensions. It may be the one that writes.
    pub(super) fn like(folder: &Path, extension: &OsStr) -> io::Result<Self> {
        let file = Self::make(folder, extension)?;
        // Elsewhere a lock keeps other programs from writing.
        if cfg!(unix) {
            sweep::own(&file.file);
        }
        Ok(file)
    }

    fn make(folder: &Path, extension: &OsStr) -> io::Result<Self> {
        sweep::once(folder);
        let mut live = live();
        let (file, path) = create(folder, extension)?;
        live.insert(path.clone());
        Ok(Self { file, path: Some(path) })
    }

    pub(super) fn path(&self) -> &Path {
        self.path.as_deref().expect("it has no other place yet")
    }

    pub(super) fn as_file(&self) -> &File {
        &self.file
    }

    /// Renames it to `target`.
    pub(super) fn persist(mut self, target: &Path) -> io::Result<()> {
        let Some(path) = self.path.take() else { return Ok(()) };
        let mut live = live();
        live.remove(&path);
        let moved = fs::rename(&path, target);
        if moved.is_err() {
            let _ = fs::remove_file(&path); // a later run will sweep it
        }
        moved
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let mut live = live();
            live.remove(&path);
            let _ = fs::remove_file(path); // a later run will sweep it
        }
    }
}

fn live() -> MutexGuard<'static, HashSet<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of this process and keeps this crate from writing any more: for a signal
/// handler that is about to end the process, so that every file is whole or missing and no temporary file is
/// left.
///
/// From then on, threads that write files wait forever. Returns within half a second, whatever the disk does.
pub fn abandon_temporaries() {
    let start = Instant::now();
    let live = loop {
        match LIVE.try_lock() {
            Ok(live) => break live,
            Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if start.elapsed() > Duration::from_millis(500) => return,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    for path in live.iter() {
        let _ = fs::remove_file(path); // a later run will sweep it
    }
    std::mem::forget(live);
}

/// A new file with a name that nothing else has, with the permissions of any new file.
fn create(folder: &Path, extension: &OsStr) -> io::Result<(File, PathBuf)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    /// Names to try before giving up; a name can be taken if another machine writes to the same folder.
    const TRIES: u32 = 100;
    for _ in 0..TRIES {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let random = RandomState::new().hash_one(count);
        let mut name = OsString::from(format!("{}{random:016x}{}", sweep::PREFIX, sweep::SUFFIX));
        if !extension.is_empty() {
            name.push(".");
            name.push(extension);
        }
        let path = folder.join(name);
        match File::options().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return Ok((made?, path)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "every name for a temporary file is taken"))
}
