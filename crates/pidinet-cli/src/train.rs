//! `pidinet train`.

use std::process::ExitCode;

mod device;
mod edges;
mod pace;
mod progress;
mod recognition;
mod run;

/// Train a network
#[derive(clap::Args, Debug)]
pub(crate) struct Train {
    #[command(subcommand)]
    task: Box<Task>,
}

#[derive(clap::Subcommand, Debug)]
enum Task {
    Edges(edges::Edges),
    #[command(alias = "classify")]
    Recognition(recognition::Recognition),
}

impl Train {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match *self.task {
            Task::Edges(edges) => edges.run(),
            Task::Recognition(recognition) => recognition.run(),
        }
    }
}
