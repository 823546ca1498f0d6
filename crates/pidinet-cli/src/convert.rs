//! `pidinet convert`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueHint;
use pidinet::arch::Config;
use pidinet::image::Preset;
use pidinet::weights::{Model, OpenOptions, Precision};

use crate::interrupt;
use crate::options::one_of;
use crate::ui::usage;

/// Turn a model file into one of ours: safetensors that say what they are
///
/// Reads published .pth checkpoints, without running anything in them, and safetensors. The result holds the
/// architecture and the input preset, so that no option has to be remembered.
#[derive(clap::Args, Debug)]
pub(crate) struct Convert {
    /// Model to read
    #[arg(value_name = "IN", value_hint = ValueHint::FilePath)]
    input: PathBuf,

    /// File to write, usually NAME.safetensors
    #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
    output: PathBuf,

    /// Fold pixel differences into ordinary weights: opens a little faster, but cannot be trained further
    #[arg(long)]
    folded: bool,

    /// Write numbers of 16 bits: half the size, and edges that differ by about 0.001
    #[arg(long)]
    float16: bool,

    /// Kinds of the layers, for a file that does not say: a published configuration, or sixteen of cv,
    /// cd, ad, rd [default: carv4]
    #[arg(long, value_name = "NAME")]
    config: Option<Config>,

    /// Share of the pixel difference, from 0 to 1, for a file that does not say [default: 1]
    #[arg(long, value_name = "T")]
    theta: Option<f32>,

    /// How the model wants its input [default: as the file says, else imagenet]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(&["imagenet", "controlnet"]))]
    preset: Option<Preset>,
}

impl Convert {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let same = self.output.canonicalize().ok().zip(self.input.canonicalize().ok());
        if same.is_some_and(|(output, input)| output == input) {
            return Err(usage!("{} would be overwritten; give OUT another name", self.input.display()));
        }
        let options = OpenOptions { config: self.config, theta: self.theta, ..OpenOptions::default() };
        let mut model = Model::open(&self.input, &options)?;
        if self.folded {
            model = model.folded();
        }
        if let Some(preset) = self.preset {
            model.info.preset = preset;
        }
        let precision = if self.float16 { Precision::Float16 } else { Precision::Float32 };
        interrupt::install()?;
        let _whole = interrupt::writing();
        model.save_as(&self.output, precision).context("the model was not converted")?;
        Ok(ExitCode::SUCCESS)
    }
}
