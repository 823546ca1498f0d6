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

/// Show the contents of a model and the cost of each layer
#[derive(clap::Args, Debug)]
pub(crate) struct Inspect {
    /// Model file or name of a built-in model
    #[arg(value_name = "MODEL", value_hint = ValueHint::FilePath)]
    model: PathBuf,

    /// Image size for shapes, multiply-adds and memory [default: 481x321, or the input size of a recognition model]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,

    /// Convolution of each layer, if the file does not say [default: carv4]
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
