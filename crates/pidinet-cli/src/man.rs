//! `pidinet man`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Command, ValueHint};

use crate::ui;

/// Print the manual page
///
/// For example: pidinet man | man -l -
#[derive(clap::Args, Debug)]
pub(crate) struct Man {
    /// Write the pages of all subcommands (pidinet.1, pidinet-detect.1, ...) to this folder instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, program: Command) -> anyhow::Result<ExitCode> {
        match self.folder {
            Some(folder) => {
                let unwritable = || format!("cannot write to folder {}", folder.display());
                std::fs::create_dir_all(&folder).with_context(unwritable)?;
                clap_mangen::generate_to(program, &folder).with_context(unwritable)?;
            }
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(program).render(&mut page)?;
                ui::print(&page)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
