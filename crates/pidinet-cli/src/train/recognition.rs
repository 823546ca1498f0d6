//! `pidinet train recognition`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::arch::recognition::{RecognitionArch, Stem};
use pidinet_train::recognition::config::{Config, Model};
use pidinet_train::recognition::run::train;
use pidinet_train::recognition::signs::Precision;

use super::pace::Pace;
use super::run::RunArgs;
use crate::options::one_of;
use crate::ui::usage;

/// Train a binary network to recognise what images show
///
/// Reads one folder of images per class, below a folder per split if there are splits; or a .tar or .tar.gz of such
/// folders; or CIFAR's binary batches.
///
/// A run is a folder, as for `train edges`: Ctrl-C saves and exits, and --resume continues to bit-identical weights.
/// Options override the configuration file, which overrides the defaults; --print-config shows the result.
#[derive(clap::Args, Debug)]
pub(super) struct Recognition {
    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    recipe: Recipe,
}

/// The settings that are changed most often.
#[derive(clap::Args, Debug)]
#[group(id = "recipe", multiple = true)]
struct Recipe {
    /// Images sorted by class: a folder or an archive
    #[arg(long, value_name = "FOLDER|ARCHIVE", value_hint = ValueHint::AnyPath)]
    data: Option<PathBuf>,

    /// Split to validate on
    #[arg(long, value_name = "NAME", conflicts_with = "held_out")]
    validation: Option<String>,

    /// Hold out N images of each class for validation
    #[arg(long, value_name = "N")]
    held_out: Option<usize>,

    /// Network size, for 32x32 images: s (narrow) or 18 (as ResNet-18)
    #[arg(long, value_name = "NAME", value_parser = one_of::<Size>(&["s", "18"]))]
    size: Option<Size>,

    /// Share of each block's channels that use pixel differences, from 0 to 1
    #[arg(long, value_name = "RHO")]
    rho: Option<f32>,

    /// Train a real-valued network, as a teacher
    #[arg(long)]
    real: bool,

    /// Run folder of the teacher network
    #[arg(long, value_name = "RUN", value_hint = ValueHint::DirPath)]
    teacher: Option<PathBuf>,

    #[command(flatten)]
    pace: Pace,
}

impl Recognition {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { run, recipe } = self;
        let config = run.configuration(Config::open, |config| recipe.apply(config))?;
        if !run.print_config && config.data.path.as_os_str().is_empty() {
            return Err(usage!("no training data: give --data, or set data.path in the configuration file"));
        }
        run.conduct(&config.to_toml(), |options, tell| train(&config, options, tell))
    }
}

impl Recipe {
    fn apply(&self, config: &mut Config) {
        let Config { data, model, binary, train, .. } = config;
        if let Some(path) = &self.data {
            data.path.clone_from(path);
        }
        if let Some(validation) = &self.validation {
            data.validation.clone_from(validation);
        }
        data.held_out = self.held_out.unwrap_or(data.held_out);
        if let Some(Size(arch)) = &self.size {
            *model =
                Model { difference: model.difference.clone(), rho: model.rho.clone(), ..Model::of(arch) };
        }
        if let Some(rho) = self.rho {
            model.rho = vec![rho];
        }
        if self.real {
            binary.precision = Precision::Real;
        }
        if self.teacher.is_some() {
            binary.teacher.clone_from(&self.teacher);
        }
        self.pace.apply(train, &mut config.schedule, &mut config.seed);
    }
}

/// The network for a size's name; the data determines the number of classes.
#[derive(Clone, Debug)]
struct Size(RecognitionArch);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "s" => Ok(Self(RecognitionArch::small(1))),
            "18" => Ok(Self(RecognitionArch::eighteen(Stem::Cifar, 1))),
            _ => Err(format!("`{name}` is neither s nor 18")),
        }
    }
}
