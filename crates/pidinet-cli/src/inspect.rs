//! `pidinet inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::Size;
use pidinet::arch::Kinds;
use pidinet::weights::{AnyModel, OpenOptions};

use crate::found::Found;
use crate::options::size;
use crate::ui;

mod edges;
mod facts;
mod recognition;

/// Say what a model file holds, and what each layer costs
#[derive(clap::Args, Debug)]
pub(crate) struct Inspect {
    /// Model file, or the name of a model that comes with the program
    #[arg(value_name = "MODEL", value_hint = ValueHint::FilePath)]
    model: PathBuf,

    /// Size of image for which shapes, multiply-adds and memory are given [default: 481x321, or the input
    /// of a model for recognition]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,

    /// Kinds of the layers, for a file that does not say [default: carv4]
    #[arg(long, value_name = "NAME")]
    config: Option<Kinds>,
}

impl Inspect {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let found = Found::named(&self.model)?;
        let options = OpenOptions { kinds: self.config, ..OpenOptions::default() };
        let table = match found.open(&options)? {
            AnyModel::Edges(model) => edges::table(&model, self.size),
            AnyModel::Recognition(model) => recognition::table(&model, self.size),
        };
        ui::print(table.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
