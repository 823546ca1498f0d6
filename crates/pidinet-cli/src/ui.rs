//! What the user sees: lines, progress, failures, and the exit code.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use pidinet_kernels::isa::IsaError;

/// A command line that contradicts itself: exit code 2, as for those that cannot be parsed.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A [`Usage`] error, formatted.
macro_rules! usage {
    ($($message:tt)*) => { anyhow::Error::new($crate::ui::Usage(format!($($message)*))) };
}
pub(crate) use usage;

/// The exit code of a command, after printing its error: 0 done, 1 failed, 2 wrong usage. A reader that
/// has closed the output is not a failure.
pub(crate) fn exit(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            if is_usage(&error) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Whether an error is one of usage: a contradiction, or a missing instruction set.
fn is_usage(error: &anyhow::Error) -> bool {
    let is_isa = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<IsaError>() || matches!(cause.downcast_ref(), Some(pidinet::Error::Isa(_)))
    };
    error.is::<Usage>() || error.chain().any(is_isa)
}

/// Whether standard output was closed by its reader.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Shows the library's warnings, and more if `RUST_LOG` asks for it.
pub(crate) fn start_log() {
    let filter = env_logger::Env::default().default_filter_or("warn");
    env_logger::Builder::from_env(filter).format_timestamp(None).init();
}

/// Writes the requested result to standard output: an error if nobody reads it, since there is nothing more
/// to do then.
pub(crate) fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

/// Writes a line to standard output.
pub(crate) fn print_line(line: &str) -> anyhow::Result<()> {
    print(format!("{line}\n").as_bytes())
}

/// Reports on standard output about work whose results go elsewhere: the work goes on silently if nobody
/// reads it.
pub(crate) fn tell_line(line: &str) {
    let _ = print_line(line);
}

/// Writes a line to standard error; nothing happens if that is closed.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// How a path is called in messages.
pub(crate) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

/// The progress of a film, where there is a terminal; with the time that is left, if the number of frames is known.
pub(crate) fn film(frames: Option<u64>) -> ProgressBar {
    let (bar, style) = match frames {
        Some(frames) => (ProgressBar::new(frames), "{wide_bar} {pos}/{len} {per_sec} {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {pos} frames {per_sec} {elapsed}"),
    };
    bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
    bar
}

/// What is being worked on, as a [`Batch`] shows it.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn begin(&self, name: String) {
        self.0.set_message(name);
    }
}

/// A batch in progress: a progress bar if there is a terminal and more than one item, and the failures.
pub(crate) struct Batch {
    bar: ProgressBar,
    total: usize,
    failures: Vec<String>,
}

impl Batch {
    pub(crate) fn new(total: usize) -> Self {
        let bar = if total > 1 { ProgressBar::new(total as u64) } else { ProgressBar::hidden() };
        let style = "{wide_bar} {pos}/{len} {eta} left  {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
        Self { bar, total, failures: Vec::new() }
    }

    /// Shows what is being worked on, from any thread.
    pub(crate) fn progress(&self) -> Progress {
        Progress(self.bar.clone())
    }

    /// Counts one item as done; `line` reports it on standard output, if anybody reads that.
    pub(crate) fn done(&self, line: Option<&str>) {
        self.bar.inc(1);
        if let Some(line) = line {
            self.tell(line);
        }
    }

    /// Writes a line to standard output, if anybody reads that.
    pub(crate) fn tell(&self, line: &str) {
        self.bar.suspend(|| tell_line(line));
    }

    /// Writes a line to standard output that is the result itself: an error if nobody reads it.
    pub(crate) fn deliver(&self, line: &str) -> anyhow::Result<()> {
        self.bar.suspend(|| print_line(line))
    }

    /// Counts one item as failed; the failure is reported at the end.
    pub(crate) fn failed(&mut self, error: &anyhow::Error) {
        self.bar.inc(1);
        self.failures.push(format!("error: {error:#}"));
    }

    /// Reports the failures and returns the exit code.
    pub(crate) fn end(self) -> ExitCode {
        self.bar.finish_and_clear();
        self.failures.iter().for_each(|failure| complain(failure));
        if self.failures.is_empty() {
            return ExitCode::SUCCESS;
        }
        if self.total > 1 {
            complain(&format!("{} of {} images failed", self.failures.len(), self.total));
        }
        ExitCode::FAILURE
    }
}
