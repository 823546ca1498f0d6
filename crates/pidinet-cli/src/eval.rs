//! `pidinet eval`: benchmarks.

use std::process::ExitCode;

mod edges;
mod plot;
mod recognition;

/// Evaluate edge maps or recognition models against ground truth
#[derive(clap::Args, Debug)]
pub(crate) struct Eval {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Edges(Box<edges::Edges>),
    #[command(alias = "classify")]
    Recognition(recognition::Recognition),
    Plot(plot::Plot),
}

impl Eval {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Edges(command) => command.run(),
            Command::Recognition(command) => command.run(),
            Command::Plot(command) => command.run(),
        }
    }
}
