//! `cargo xtask bare`: a detection and a recognition on WebAssembly without a system
//! (`wasm32-unknown-unknown`), where there are no threads, files, environment or clock, and where asking for
//! them may panic.
//!
//! The results are compared with those of this machine's portable kernels, bit by bit: neither WebAssembly's vectors nor
//! the portable kernels fuse multiply-adds, and both add in the same order, so there is no rounding to allow for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::cargo;

const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) fn run() -> Result<()> {
    cargo::require_target(TARGET)?;
    cargo::require("node", "Node.js 20 or later (the package nodejs)")?;
    let mut build = command();
    build.args(["build", "--locked", "--package", "bare", "--lib", "--target", TARGET]);
    build.env("RUSTFLAGS", "-C target-feature=+simd128");
    cargo::finish(build)?;

    let wanted = here()?;
    ensure!(wanted.lines().count() > 1000, "there is hardly anything to compare");
    let module = target().join(TARGET).join("debug/bare.wasm");
    for kernels in ["portable", "best"] {
        let found = node(&module, kernels)?;
        let differences = found.lines().zip(wanted.lines()).filter(|(found, wanted)| found != wanted).count();
        let (lines, expected) = (found.lines().count(), wanted.lines().count());
        ensure!(lines == expected, "{kernels}: {lines} results instead of {expected}");
        ensure!(
            differences == 0,
            "{kernels}: {differences} of {expected} results differ from this machine's"
        );
        println!("{TARGET}, {kernels} kernels: {expected} results equal this machine's");
    }
    Ok(())
}

/// The results of this machine's portable kernels, the bits of each in a line.
pub(crate) fn here() -> Result<String> {
    // With the dependencies of the whole workspace, as all else is built.
    let mut build = command();
    build.args(["build", "--locked", "--workspace", "--bin", "bare"]);
    cargo::finish(build)?;
    output(Command::new(target().join("debug/bare")))
}

fn command() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(cargo::root());
    cargo
}

fn node(module: &Path, function: &str) -> Result<String> {
    let mut node = Command::new("node");
    node.arg(cargo::root().join("tools/bare.mjs")).arg(module).arg(function);
    output(node)
}

/// The output of a command, if it succeeds.
fn output(mut command: Command) -> Result<String> {
    let found =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(found.status.success(), "{command:?} failed: {}", found.status);
    Ok(String::from_utf8(found.stdout)?)
}

/// Where cargo builds.
fn target() -> PathBuf {
    let root = cargo::root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}
