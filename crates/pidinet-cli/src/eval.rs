//! `pidinet eval`: benchmarks.

use std::process::ExitCode;

mod edges;
mod plot;
mod recognition;

/// Score edge maps against what people drew, and classifiers against what images show
#[derive(clap::Args, Debug)]
pub(crate) struct Eval {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Edges(Box<edges::Edges>),
    Classify(recognition::Classify),
    Plot(plot::Plot),
}

impl Eval {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Edges(command) => command.run(),
            Command::Classify(command) => command.run(),
            Command::Plot(command) => command.run(),
        }
    }
}
