//! Running cargo for targets other than this machine, and saying what is missing for that.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Asserts that a program can be started.
///
/// # Errors
///
/// If it cannot; the message names its package.
pub(crate) fn require(program: &str, package: &str) -> anyhow::Result<()> {
    let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = started.is_ok_and(|status| status.success());
    ensure!(found, "cannot run `{program}`; install {package}");
    Ok(())
}

/// Asserts that a Rust target is installed.
///
/// # Errors
///
/// If it is not; the message says how to install it.
pub(crate) fn require_target(target: &str) -> anyhow::Result<()> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let output = output.context("cannot run `rustc`")?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    let found = output.status.success() && Path::new(libraries.trim_end()).is_dir();
    ensure!(found, "the standard library for {target} is missing; run `rustup target add {target}`");
    Ok(())
}

/// `cargo test` of the kernels for a target, run from the root of the repository.
pub(crate) fn test_kernels(target: &str, arguments: &[String]) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--package", "pidinet-kernels", "--lib", "--tests", "--target", target]);
    cargo.args(arguments).current_dir(root());
    cargo
}

/// Runs a command to its end.
///
/// # Errors
///
/// When it cannot be started or fails.
pub(crate) fn finish(mut command: Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask is a folder of the repository").to_owned()
}

/// The platform of this machine, as the compiler calls it.
///
/// # Errors
///
/// When the compiler cannot be asked.
pub(crate) fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}
