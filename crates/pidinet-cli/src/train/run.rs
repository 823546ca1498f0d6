//! What all training runs have in common: folder, configuration, device, progress and stopping.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueHint;
use clap::builder::PossibleValuesParser;
use pidinet_train::run::{Event, Outcome, RunOptions};

use super::device;
use super::progress::Progress;
use crate::options::with_threads;
use crate::{interrupt, ui};

/// Options for every kind of training.
#[derive(clap::Args, Debug)]
pub(super) struct RunArgs {
    /// Folder of the run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, required_unless_present = "print_config")]
    run: Option<PathBuf>,

    /// Resume the run in the folder
    #[arg(long, conflicts_with_all = ["config", "recipe", "pace", "print_config"])]
    resume: bool,

    /// Configuration file (TOML)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,

    /// Print the configuration and exit
    #[arg(long)]
    pub(super) print_config: bool,

    /// Number of threads [default: one per core]. Does not affect the weights
    #[arg(short = 'j', long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Device to train on: cpu, cuda (NVIDIA) or wgpu (Vulkan, Metal, DirectX)
    #[arg(long, value_name = "NAME", default_value = "cpu", value_parser = PossibleValuesParser::new(device::NAMES))]
    device: String,
}

impl RunArgs {
    /// The configuration of the run in the folder, or that of the file changed by the options.
    pub(super) fn configuration<C: Default>(
        &self,
        open: fn(&Path) -> pidinet_train::Result<C>,
        apply: impl FnOnce(&mut C),
    ) -> anyhow::Result<C> {
        if self.resume {
            let folder = self.run.as_ref().context("no folder of a run")?;
            pidinet_train::run::restore_configuration(folder)?;
            return Ok(open(&folder.join("config.toml"))?);
        }
        let mut config = self.config.as_deref().map_or_else(|| Ok(C::default()), open)?;
        apply(&mut config);
        Ok(config)
    }

    /// Trains until it is done or Ctrl-C is pressed, showing the progress; or prints the configuration.
    pub(super) fn conduct(
        self,
        config: &str,
        train: impl FnOnce(&RunOptions<'_>, &mut dyn FnMut(&Event)) -> pidinet_train::Result<Outcome> + Send,
    ) -> anyhow::Result<ExitCode> {
        if self.print_config {
            ui::print(config.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let folder = self.run.context("no folder for the run")?;
        let device = device::named(&self.device)?;
        let options =
            RunOptions { folder, resume: self.resume, device: &*device, stop: interrupt::stop_on_request() };
        let mut progress = Progress::new();
        let outcome = with_threads(self.threads, || {
            train(&options, &mut |event| {
                match event {
                    Event::Started { .. } => interrupt::begin_to_save(),
                    Event::Stopping => interrupt::is_saving(),
                    _ => {}
                }
                progress.tell(event);
            })
        })?;
        progress.end();
        ui::tell_line(&outcome.model.display().to_string());
        if outcome.finished {
            return Ok(ExitCode::SUCCESS);
        }
        let (step, folder) = (outcome.position.step, options.folder.display());
        ui::complain(&format!("stopped after {step} steps; resume with: --resume {folder}"));
        Ok(ExitCode::from(interrupt::INTERRUPTED as u8))
    }
}
