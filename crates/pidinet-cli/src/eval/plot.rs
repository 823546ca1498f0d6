//! `pidinet eval plot`: the curves of several runs in one figure.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueHint;
use pidinet_eval::figures::plot::{BSDS_HUMAN, PlotOptions, Run};
use pidinet_eval::results::toolbox::read_run;
use pidinet_eval::results::write::write_plot;

use crate::ui::tell_line;

/// Plot the precision-recall curves of several runs
///
/// The legend lists the runs by ODS F-score, best first. Published curves without a threshold column are accepted.
#[derive(clap::Args, Debug)]
pub(crate) struct Plot {
    /// Folders written by `pidinet eval edges`, or *_bdry_thr.txt files; NAME=RUN sets the name in the legend
    #[arg(required = true, value_name = "RUN", value_hint = ValueHint::AnyPath)]
    runs: Vec<PathBuf>,

    /// Output file, .svg or .png; may be repeated
    #[arg(short, long, value_name = "FILE", default_values = ["pr.svg", "pr.png"], value_hint = ValueHint::FilePath)]
    out: Vec<PathBuf>,

    /// Omit human performance on BSDS500 (F = .803)
    #[arg(long)]
    no_human: bool,
}

impl Plot {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let runs = self.runs.iter().map(|text| run(text)).collect::<anyhow::Result<Vec<Run>>>()?;
        let options = PlotOptions { human: (!self.no_human).then_some(BSDS_HUMAN) };
        for file in &self.out {
            write_plot(file, &runs, &options)?;
            tell_line(&file.display().to_string());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A run, and its name if one is given: an existing path is never split.
fn run(text: &Path) -> anyhow::Result<Run> {
    let split = text.to_str().and_then(|text| text.split_once('='));
    match split.filter(|_| !text.exists()) {
        Some((name, path)) => Ok(Run { name: name.into(), ..read_run(Path::new(path))? }),
        None => Ok(read_run(text)?),
    }
}
