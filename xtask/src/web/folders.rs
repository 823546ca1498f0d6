//! Where the package and the page are made.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::cargo;

/// Where things are and go to.
pub(super) struct Folders {
    /// `bindings/web` of the repository.
    pub(super) source: PathBuf,
    /// Where cargo builds.
    pub(super) target: PathBuf,
    /// What is between: bindings, tools.
    pub(super) work: PathBuf,
    pub(super) package: PathBuf,
    pub(super) demo: PathBuf,
}

impl Folders {
    pub(super) fn new() -> Result<Self> {
        let root = cargo::root();
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        let web = target.join("site");
        let folders = Self {
            source: root.join("bindings/web"),
            work: web.join("work"),
            package: web.join("pidinet"),
            demo: web.join("demo"),
            target,
        };
        for folder in [&folders.work, &folders.package, &folders.demo] {
            fs::create_dir_all(folder)?;
        }
        Ok(folders)
    }
}
