//! `pidinet inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::Size;
use pidinet::arch::Kinds;
use pidinet::weights::OpenOptions;

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
        let table = if found.recognises()? {
            recognition::table(&found.recognition()?, self.size)
        } else {
            let options = OpenOptions { kinds: self.config, ..OpenOptions::default() };
            edges::table(&found.edges(&options)?, self.size)
        };
        ui::print(table.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
