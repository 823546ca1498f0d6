//! The programs ffmpeg and ffprobe of this machine.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use super::complaints::Complaints;
use crate::children::Helper;

/// The ffmpeg of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ffmpeg {
    /// Its version, unless it is one that somebody made from its repository.
    version: Option<(u32, u32)>,
}

impl Ffmpeg {
    /// Asks for its version.
    pub(super) fn find() -> anyhow::Result<Self> {
        let mut command = Command::new("ffmpeg");
        let ran = run(command.arg("-version"))?;
        anyhow::ensure!(
            ran.status.success(),
            "ffmpeg does not work: `ffmpeg -version` ends with {}",
            ran.status
        );
        Ok(Self { version: version(&String::from_utf8_lossy(&ran.output)) })
    }

    /// The option that makes the time between frames constant, which was renamed in 5.1.
    pub(super) fn constant_rate(self) -> [&'static str; 2] {
        let is_old = self.version.is_some_and(|version| version < (5, 1));
        [if is_old { "-vsync" } else { "-fps_mode" }, "cfr"]
    }
}

/// What a program did.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) output: Vec<u8>,
    pub(super) complaints: Vec<String>,
}

/// Runs one of the programs to its end.
pub(super) fn run(command: &mut Command) -> anyhow::Result<Ran> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (helper, pipes) = Helper::start(command).map_err(|error| not_started(command, error))?;
    let complaints = pipes.stderr.map(Complaints::listen).transpose()?;
    let mut output = Vec::new();
    if let Some(stdout) = pipes.stdout {
        stdout.take(pidinet::files::MOST_TEXT).read_to_end(&mut output)?;
    }
    let status = helper.wait()?;
    Ok(Ran { status, output, complaints: complaints.map(Complaints::all).unwrap_or_default() })
}

/// Why a program could not be started, and what to do about it.
pub(super) fn not_started(command: &Command, error: std::io::Error) -> anyhow::Error {
    let name = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!(
            "cannot find the program {name}, which reads and writes films: install ffmpeg (apt install ffmpeg, brew \
             install ffmpeg, winget install ffmpeg), or use .y4m files and pipes, which need none"
        ),
        _ => anyhow::Error::new(error).context(format!("cannot start {name}")),
    }
}

/// What ffmpeg is to call a file, an address, or a device.
pub(super) fn name_of(path: &Path) -> OsString {
    if path.is_file() { of_file(path) } else { path.as_os_str().to_owned() }
}

/// What ffmpeg is to call a file, which it else may take for something else (`a:b.mp4`, `-x.mp4`).
pub(super) fn of_file(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

/// Reads the first line of what ffmpeg says of its version: `ffmpeg version 5.1.9-0+deb12u1 Copyright …`, `n7.1`.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.strip_prefix("ffmpeg version ")?.split_whitespace().next()?;
    let mut numbers = word.trim_start_matches('n').split(|other: char| !other.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
    // Dates, as of `20240101-git`, are none.
    (major < 1000).then_some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let of =
            |word: &str| version(&format!("ffmpeg version {word} Copyright (c) 2000-2024\nbuilt with gcc"));
        assert_eq!(of("5.1.9-0+deb12u1"), Some((5, 1)));
        assert_eq!(
            (of("4.4.2"), of("n7.1"), of("8.0-full_build"), of("6")),
            (Some((4, 4)), Some((7, 1)), Some((8, 0)), Some((6, 0)))
        );
        assert_eq!((of("N-112345-g1a2b3c"), of("git-2024-01-01"), of("20240101")), (None, None, None));
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn options_are_those_of_the_version() {
        let option = |version| Ffmpeg { version }.constant_rate()[0];
        assert_eq!((option(Some((4, 4))), option(Some((5, 0)))), ("-vsync", "-vsync"));
        assert_eq!(
            (option(Some((5, 1))), option(Some((7, 1))), option(None)),
            ("-fps_mode", "-fps_mode", "-fps_mode")
        );
    }

    #[test]
    fn files_are_called_so_that_they_are_not_taken_for_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a:b.mp4");
        std::fs::write(&path, "").unwrap();
        assert!(name_of(&path).to_string_lossy().starts_with("file:"));
        assert_eq!(name_of(Path::new("rtsp://camera/1")), "rtsp://camera/1");
    }
}
