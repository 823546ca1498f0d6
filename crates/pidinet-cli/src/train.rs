//! `pidinet train`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::ValueHint;
use clap::builder::PossibleValuesParser;
use pidinet::arch::Arch;
use pidinet_train::config::{Augment, Config, Model, Source};
use pidinet_train::run::{Options, Outcome, train};

use crate::options::one_of;
use crate::ui::{self, usage};

mod classes;
mod device;
mod pace;
mod progress;

use classes::Classes;
use pace::Pace;
use progress::Progress;

/// Train a network
#[derive(clap::Args, Debug)]
pub(crate) struct Train {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand, Debug)]
enum Task {
    Edges(Edges),
    Classify(Classes),
}

/// Train a network to find edges, from images and what people drew in them
///
/// A run is a folder: its configuration, a checkpoint to go on from, the model, measurements and a page
/// to look at (run.html). Ctrl-C saves and ends; --resume goes on, to the same weights, bit for bit, as if
/// nothing had happened.
///
/// Options override the configuration file, which overrides the defaults. --print-config shows what would
/// be used, every field.
#[derive(clap::Args, Debug)]
struct Edges {
    /// The folder of the run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, required_unless_present = "print_config")]
    run: Option<PathBuf>,

    /// Go on with the run in the folder
    #[arg(long, conflicts_with_all = ["config", "recipe", "pace", "print_config"])]
    resume: bool,

    /// Configuration file (TOML)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,

    #[command(flatten)]
    recipe: Recipe,

    /// Threads [default: one for each core]. The weights do not depend on it
    #[arg(short = 'j', long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Where to compute: cpu, cuda (NVIDIA) or wgpu (Vulkan, Metal, DirectX)
    #[arg(long, value_name = "NAME", default_value = "cpu", value_parser = PossibleValuesParser::new(device::NAMES))]
    device: String,

    /// Print the configuration and end
    #[arg(long)]
    print_config: bool,
}

/// What is most often changed in a configuration.
#[derive(clap::Args, Debug)]
#[group(id = "recipe", multiple = true)]
struct Recipe {
    /// The BSDS500 folder, with images and groundTruth in it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    bsds: Option<PathBuf>,

    /// What of BSDS500 is learnt from
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', default_value = "train", requires = "bsds")]
    splits: Vec<String>,

    /// A list of pairs: an image and its truth on each line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    list: Vec<PathBuf>,

    /// A folder of images, and one of truth of the same names
    #[arg(long, num_args = 2, value_names = ["IMAGES", "TRUTH"], value_hint = ValueHint::DirPath)]
    folders: Vec<PathBuf>,

    /// Size of the network: tiny, small or full, with -l for one without CDCM and CSAM
    #[arg(long, value_name = "NAME", value_parser = arch)]
    size: Option<Arch>,

    /// A model whose weights are where training starts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    start: Option<PathBuf>,

    /// What is done to images: none, hed (as published) or strong
    #[arg(long, value_name = "NAME", value_parser = one_of::<Augmentation>(&["none", "hed", "strong"]))]
    augment: Option<Augmentation>,

    #[command(flatten)]
    pace: Pace,
}

/// The presets of [`Augment`].
#[derive(Clone, Copy, Debug)]
struct Augmentation(Augment);

impl std::str::FromStr for Augmentation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "none" => Ok(Self(Augment::none())),
            "hed" => Ok(Self(Augment::hed())),
            "strong" => Ok(Self(Augment::strong())),
            _ => Err(format!("`{name}` is none of none, hed, strong")),
        }
    }
}

/// Reads the name of a size.
fn arch(name: &str) -> Result<Arch, String> {
    let (size, light) = name.strip_suffix("-l").map_or((name, false), |size| (size, true));
    let arch = match size {
        "tiny" => Arch::tiny(),
        "small" => Arch::small(),
        "full" => Arch::full(),
        _ => return Err("expected tiny, small, full, tiny-l, small-l or full-l".to_owned()),
    };
    Ok(if light { arch.light() } else { arch })
}

/// Set when the run should save and end.
static STOP: AtomicBool = AtomicBool::new(false);

impl Train {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.task {
            Task::Edges(edges) => edges.run(),
            Task::Classify(classes) => classes.run(),
        }
    }
}

/// Trains until it is done or Ctrl-C is pressed, on so many threads, showing the progress.
fn conduct(
    folder: &Path,
    threads: Option<NonZeroUsize>,
    train: impl FnOnce(&mut Progress) -> pidinet_train::Result<Outcome> + Send,
) -> anyhow::Result<ExitCode> {
    ctrlc::set_handler(|| {
        // Who asks twice does not want to wait for the end of the step.
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, NonZeroUsize::get)).build()?;
    let mut progress = Progress::new();
    let outcome = pool.install(|| train(&mut progress))?;
    progress.end();
    ui::print_line(&outcome.model.display().to_string())?;
    if outcome.finished {
        return Ok(ExitCode::SUCCESS);
    }
    let step = outcome.position.step;
    ui::complain(&format!("stopped after {step} steps; go on with: --resume {}", folder.display()));
    Ok(ExitCode::from(130))
}

impl Edges {
    fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.configuration()?;
        if self.print_config {
            ui::print(config.to_toml().as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let folder = self.run.context("no folder for the run")?;
        let device = device::named(&self.device)?;
        let options = Options { folder, resume: self.resume, device: &*device, stop: &STOP };
        conduct(&options.folder, self.threads, |progress| {
            train(&config, &options, |event| progress.tell(event))
        })
    }

    /// The configuration of the run in the folder, or that of the file with what the options say.
    fn configuration(&self) -> anyhow::Result<Config> {
        if self.resume {
            let folder = self.run.as_ref().context("no folder of a run")?;
            return Ok(Config::open(&folder.join("config.toml"))?);
        }
        let mut config = self.config.as_deref().map_or_else(|| Ok(Config::default()), Config::open)?;
        self.recipe.apply(&mut config);
        if !self.print_config && config.data.train.is_empty() {
            return Err(usage!(
                "nothing to learn from: give --bsds, --list, --folders, or data.train in a file"
            ));
        }
        Ok(config)
    }
}

impl Recipe {
    fn apply(&self, config: &mut Config) {
        let mut sources: Vec<Source> = Vec::new();
        if let Some(bsds) = &self.bsds {
            let source = |splits: &[String]| Source::Bsds { bsds: bsds.clone(), splits: splits.to_vec() };
            sources.push(source(&self.splits));
            // What is not learnt from is measured on; the test images never are.
            if config.data.validation.is_empty() && !self.splits.iter().any(|split| split == "val") {
                config.data.validation = vec![source(&["val".to_owned()])];
            }
        }
        sources.extend(self.list.iter().map(|list| Source::List { list: list.clone() }));
        if let [images, truth] = &self.folders[..] {
            sources.push(Source::Folders { images: images.clone(), truth: truth.clone() });
        }
        if !sources.is_empty() {
            config.data.train = sources;
        }
        if let Some(arch) = &self.size {
            let Model { start, freeze, .. } = std::mem::take(&mut config.model);
            config.model = Model { start, freeze, ..Model::of(arch) };
        }
        if self.start.is_some() {
            config.model.start.clone_from(&self.start);
        }
        if let Some(Augmentation(augment)) = self.augment {
            config.augment = augment;
        }
        self.pace.apply(&mut config.train, &mut config.schedule, &mut config.seed);
    }
}
