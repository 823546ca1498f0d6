//! Programs from npm that make the package smaller and test it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::folders::Folders;

/// Programs from npm.
pub(super) struct Tools {
    /// The folder whose `node_modules` has them.
    pub(super) folder: PathBuf,
}

impl Tools {
    /// The tools, if npm has them or they are there already.
    pub(super) fn install(folders: &Folders) -> Result<Option<Self>> {
        let folder = folders.work.join("tools");
        fs::create_dir_all(&folder)?;
        let wanted = fs::read(folders.source.join("tools/package.json"))?;
        let there = fs::read(folder.join("installed.json")).unwrap_or_default();
        if there != wanted {
            fs::write(folder.join("package.json"), &wanted)?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]);
            npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").current_dir(&folder).stdin(Stdio::null());
            if !npm.status().is_ok_and(|status| status.success()) {
                println!(
                    "npm cannot install wasm-opt and esbuild: files stay as large as they are, and tests are left out"
                );
                return Ok(None);
            }
            fs::write(folder.join("installed.json"), &wanted)?;
        }
        Ok(Some(Self { folder }))
    }

    pub(super) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join("node_modules/.bin").join(name));
        command.current_dir(&self.folder);
        command
    }
}
