//! Ctrl-C, and requests to terminate, leave no partial or temporary file behind.
//!
//! Whoever writes a file holds a lock while it does; the handler takes the lock before it ends the process,
//! and so waits for the file to be whole.

use std::sync::{Mutex, MutexGuard, PoisonError};

static WRITING: Mutex<()> = Mutex::new(());

/// Exit code of a process that was interrupted: 128 and the number of the signal, as in a shell.
const INTERRUPTED: i32 = 130;

/// Makes an interruption wait for [`writing`].
pub(crate) fn install() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        let _whole = writing();
        std::process::exit(INTERRUPTED);
    })?;
    Ok(())
}

/// Holds interruptions off while it lives.
pub(crate) fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}
