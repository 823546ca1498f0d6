//! `cargo xtask web --check`: the package in node, and in browsers where there are any.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::files::{copy_all, empty};
use super::folders::Folders;
use super::tools::Tools;
use crate::{bare, cargo};

/// Tests, in the order in which they are run.
const TESTS: [&str; 5] = ["node", "pace", "browser", "demo", "firefox"];

pub(super) fn run(folders: &Folders, tools: Option<&Tools>) -> Result<()> {
    // What this machine's portable kernels make of the picture that the test draws, too.
    fs::write(folders.work.join("expected.txt"), bare::here()?)?;
    // Tests import single scripts, too.
    fs::write(folders.work.join("scripts/package.json"), "{ \"type\": \"module\" }\n")?;
    let tests = folders.work.join("tests");
    empty(&tests)?;
    copy_all(&folders.source.join("tests"), &tests)?;
    copy_all(&folders.source.join("tools"), &tests.join("tools"))?;
    // From here tests import the tools by their names.
    if let Some(tools) = tools {
        link(&tools.folder.join("node_modules"), &tests.join("node_modules"))?;
    }
    let mut node = Command::new("node");
    node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
    node.args(TESTS.map(|name| tests.join(format!("{name}.test.mjs"))));
    node.env("PIDINET_WEB", folders.work.parent().unwrap_or(Path::new("."))).current_dir(&tests);
    cargo::finish(node)
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(from, to)?)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> Result<()> {
    copy_all(from, to)
}
