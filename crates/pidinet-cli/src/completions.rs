//! `pidinet completions`.

use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::ui;

/// Print a shell completion script
///
/// For example: pidinet completions bash > ~/.local/share/bash-completion/completions/pidinet
#[derive(clap::Args, Debug)]
pub(crate) struct Completions {
    /// Shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut program: Command) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "pidinet", &mut script);
        ui::print(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
