//! Other programs that this one starts, none of which outlives it.

use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Those that run. The lock is held while one is started.
static RUNNING: Mutex<Vec<Shared>> = Mutex::new(Vec::new());

type Shared = Arc<Mutex<Child>>;

/// A program that runs; it is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Helper(Shared);

/// What leads to and from a [`Helper`].
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

impl Helper {
    /// Starts a program, in a group of its own: Ctrl-C in a terminal is for this program, which then knows what to do.
    pub(crate) fn start(command: &mut Command) -> io::Result<(Self, Pipes)> {
        alone(command);
        let mut running = locked(&RUNNING);
        let mut child = command.spawn()?;
        let pipes =
            Pipes { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() };
        let shared = Arc::new(Mutex::new(child));
        running.push(Arc::clone(&shared));
        Ok((Self(shared), pipes))
    }

    /// Waits for its end.
    pub(crate) fn wait(&self) -> io::Result<ExitStatus> {
        let mut patience = Duration::from_millis(1);
        loop {
            if let Some(status) = locked(&self.0).try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(patience);
            patience = (2 * patience).min(Duration::from_millis(20));
        }
    }

    /// What ends it, from anywhere.
    pub(crate) fn ending(&self) -> impl Fn() + Send + Sync + 'static {
        let shared = Arc::clone(&self.0);
        move || end(&shared)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        end(&self.0);
        locked(&RUNNING).retain(|other| !Arc::ptr_eq(other, &self.0));
    }
}

/// Ends all programs that run, and lets no further one be started: for a handler of signals that is about to end the
/// process.
pub(crate) fn end_all() {
    let running = locked(&RUNNING);
    running.iter().for_each(end);
    std::mem::forget(running);
}

/// Ends a program and waits until it is gone. One that has ended already is let alone.
fn end(shared: &Shared) {
    let mut child = locked(shared);
    let ended = child.kill().and_then(|()| child.wait());
    if let Err(error) = ended {
        log::debug!("a program cannot be ended: {error}");
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn alone(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(windows)]
fn alone(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    /// A console's Ctrl-C does not reach it.
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

#[cfg(not(any(unix, windows)))]
fn alone(_: &mut Command) {}
