//! The command line `pidinet`: edges from images, and tools for models.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

mod bench;
mod children;
mod classifier;
mod classify;
mod completions;
mod convert;
mod detail;
mod detect;
mod embed;
mod eval;
mod finish;
mod found;
mod images;
mod inputs;
mod inspect;
mod interrupt;
mod lines;
mod man;
mod mix;
mod model;
mod models;
mod network;
mod options;
mod table;
mod train;
mod ui;
mod verify;
mod video;

/// Detect edges in images with pixel difference networks
#[derive(Parser, Debug)]
#[command(name = "pidinet", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Detect(detect::Detect),
    Lines(lines::Lines),
    Video(video::Video),
    Classify(classify::Classify),
    Embed(embed::Embed),
    Verify(verify::Verify),
    Models(models::Models),
    Convert(convert::Convert),
    Mix(mix::Mix),
    Inspect(inspect::Inspect),
    Eval(eval::Eval),
    Bench(bench::Bench),
    Train(train::Train),
    Completions(completions::Completions),
    Man(man::Man),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    ui::start_log();
    interrupt::install();
    ui::exit(match cli.command {
        Command::Detect(command) => command.run(),
        Command::Lines(command) => command.run(),
        Command::Video(command) => command.run(),
        Command::Classify(command) => command.run(),
        Command::Embed(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Convert(command) => command.run(),
        Command::Mix(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Completions(command) => command.run(Cli::command()),
        Command::Man(command) => command.run(Cli::command()),
    })
}
