//! `pidinet mix`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueHint;
use pidinet::arch::Kinds;
use pidinet::weights::{Model, OpenOptions, Storage};
use serde_json::json;

use crate::found::Found;
use crate::ui::usage;

/// Interpolate between two models
///
/// The parameters, and any int8 ranges, become (1 - T) A + T B: 0 gives A, 1 gives B, and values outside
/// extrapolate. This works if B was fine-tuned from A. The output records what it was mixed from.
#[derive(clap::Args, Debug)]
pub(crate) struct Mix {
    /// First model: a file or the name of a built-in model
    #[arg(value_name = "A", value_hint = ValueHint::FilePath)]
    a: PathBuf,

    /// Second model, of the same architecture
    #[arg(value_name = "B", value_hint = ValueHint::FilePath)]
    b: PathBuf,

    /// Share of B: any number
    #[arg(short, long = "share", value_name = "T", allow_negative_numbers = true)]
    t: f64,

    /// Output file: NAME.safetensors
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: PathBuf,

    /// Store weights as float16: half the size; edge maps change by about 0.001
    #[arg(long)]
    float16: bool,

    /// Convolution of each layer, if the files do not say: a published configuration such as carv4, or a list of
    /// sixteen of cv, cd, ad, rd
    #[arg(long, value_name = "NAME")]
    config: Option<Kinds>,
}

impl Mix {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let output = self.output.display();
        if self.output.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("safetensors")) {
            return Err(usage!("{output}: expected the output to end in .safetensors"));
        }
        let whole = |path: &PathBuf| path.canonicalize().ok();
        let there = whole(&self.output);
        if there.is_some() && [&self.a, &self.b].into_iter().any(|input| whole(input) == there) {
            return Err(usage!("{output} would be overwritten: choose another output name"));
        }
        let options = OpenOptions { kinds: self.config, ..OpenOptions::default() };
        let found = [Found::named(&self.a)?, Found::named(&self.b)?];
        let [a, b] = [found[0].edges(&options)?, found[1].edges(&options)?];
        let mut mixture = Model::mix(&a, &b, self.t).context("the models cannot be mixed")?;
        let origin = json!({
            "t": self.t,
            "a": { "name": a.info.name, "sha256": found[0].sha256()? },
            "b": { "name": b.info.name, "sha256": found[1].sha256()? },
        });
        mixture.info.extra.insert("pidinet.mixed_from".to_owned(), origin.to_string());
        let precision = if self.float16 { Storage::Float16 } else { Storage::Float32 };
        mixture.save_as(&self.output, precision).context("cannot write the mixed model")?;
        Ok(ExitCode::SUCCESS)
    }
}
