//! Ctrl-C, and requests to terminate, end the program within a second and leave no partial or temporary file behind.
//!
//! Signals that were ignored when the program began stay ignored: `nohup` protects a run from its terminal
//! closing, and shells protect background jobs from Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Exit code of an interrupted process: 128 plus the number of the signal, as in a shell.
pub(crate) const INTERRUPTED: i32 = 130;

/// Set when the run should save and stop.
static STOP: AtomicBool = AtomicBool::new(false);

/// How long a run has to finish its step.
const PATIENCE: Duration = Duration::from_millis(900);

/// Whether the run is saving itself.
static SAVING: AtomicBool = AtomicBool::new(false);

/// Whether there is a run that saves itself when [`STOP`] is set.
static SAVES: AtomicBool = AtomicBool::new(false);

/// What the first signal does instead of ending the program, if anything.
static FINISH: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// From now on the first signal calls this, and only the second one ends the program: for work without an end of its own.
pub(crate) fn finish_on_request(finish: impl FnOnce() + Send + 'static) {
    *FINISH.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(finish));
}

/// Handles the signals that end the program. If that is impossible, the system's default action ends it.
pub(crate) fn install() {
    if let Err(error) = system::install() {
        log::debug!("signals are left to the system: {error}");
    }
}

/// From now on the first signal sets the flag that is returned, and only the second one ends the program.
pub(crate) fn stop_on_request() -> &'static AtomicBool {
    &STOP
}

/// Called when the run has something to save: from now on the first signal is a request to do so.
pub(crate) fn begin_to_save() {
    SAVES.store(true, Ordering::SeqCst);
}

/// Called when the run has seen the request and is saving: it need not be ended any more.
pub(crate) fn is_saving() {
    SAVING.store(true, Ordering::SeqCst);
}

/// Handles a signal, in a thread of its own. A second signal ends the program at once.
fn on_signal() {
    if SAVES.load(Ordering::SeqCst) && !STOP.swap(true, Ordering::SeqCst) {
        // If no thread can be started, the run ends when its step does.
        let _ = std::thread::Builder::new().spawn(end_long_step);
        return;
    }
    let finish = FINISH.lock().unwrap_or_else(PoisonError::into_inner).take();
    match finish {
        Some(finish) => finish(),
        None => end(),
    }
}

/// Ends a run in the middle of a step that takes too long. Its last checkpoint is whole, and every long step is
/// followed by one.
fn end_long_step() {
    std::thread::sleep(PATIENCE);
    if !SAVING.load(Ordering::SeqCst) {
        crate::ui::complain("stopped in the middle of a long step; --resume continues from the one before");
        end();
    }
}

fn end() -> ! {
    crate::children::end_all();
    pidinet::save::abandon_temporaries();
    std::process::exit(INTERRUPTED);
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    pub(super) fn install() -> io::Result<()> {
        // Reaching the limit on file sizes is an error for the writer, not the end of the process.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        let wanted = wanted(ignored());
        if wanted.is_empty() {
            return Ok(());
        }
        // The thread first: if it cannot be started, the signals keep their default actions.
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Signals>(1);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            if let Ok(mut signals) = receiver.recv() {
                signals.forever().for_each(|_| super::on_signal());
            }
        })?;
        let signals = Signals::new(wanted)?;
        let _ = sender.send(signals); // the thread waits for nothing else
        Ok(())
    }

    /// The signals to handle; `ignored` has a bit for each signal that is ignored.
    fn wanted(ignored: Option<u64>) -> Vec<i32> {
        let is_free = |signal: &i32| match ignored {
            Some(ignored) => ignored >> (signal - 1) & 1 == 0,
            // If that is unknown, losing the terminal keeps its default action.
            None => *signal != SIGHUP,
        };
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(is_free).collect()
    }

    /// The signals that this process was told to ignore, if the system reports them.
    fn ignored() -> Option<u64> {
        ignored_by(&std::fs::read_to_string("/proc/self/status").ok()?)
    }

    fn ignored_by(status: &str) -> Option<u64> {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_ignored_is_not_wanted() {
            assert_eq!(wanted(Some(0)), [SIGINT, SIGTERM, SIGHUP]);
            let nohup = ignored_by("Name:\tpidinet\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n");
            assert_eq!(wanted(nohup), [SIGINT, SIGTERM]);
            assert_eq!(wanted(ignored_by("SigIgn:\t0000000000000006\n")), [SIGTERM, SIGHUP]);
            assert_eq!(wanted(ignored_by("")), [SIGINT, SIGTERM]);
        }
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn install() -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(super::on_signal)
    }
}
