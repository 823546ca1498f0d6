//! `pidinet train edges`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::arch::Arch;
use pidinet_train::edges::config::{Augment, Config, Labels, Material, Model, Source, Trust};
use pidinet_train::edges::run::train;

use super::pace::Pace;
use super::run::RunArgs;
use crate::options::one_of;
use crate::ui::usage;

/// Train a network to find edges, from images and what people drew in them
///
/// A run is a folder: its configuration, a checkpoint to go on from, the model, measurements and a page
/// to look at (run.html). Ctrl-C saves and ends; --resume goes on, to the same weights, bit for bit, as if
/// nothing had happened.
///
/// Options override the configuration file, which overrides the defaults. --print-config shows what would
/// be used, every field.
#[derive(clap::Args, Debug)]
pub(super) struct Edges {
    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    recipe: Recipe,
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

    /// A folder of images that nobody drew in, for a teacher to say where edges are
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pictures: Vec<PathBuf>,

    /// What a boundary is where annotators disagree: mean (the share of them), registered (the share after their lines
    /// were moved onto common ones), any (what any of them drew) or sampled (what one drew, another one each time)
    #[arg(long, value_name = "NAME", value_parser = one_of::<LabelsName>(&["mean", "registered", "any", "sampled"]))]
    labels: Option<LabelsName>,

    /// Leave pixels open that lie at most so many pixels beside a boundary
    #[arg(long, value_name = "PIXELS")]
    tolerance: Option<usize>,

    /// Learn from a teacher, too: a folder of its edge maps (ID.png or ID.npy), a model file, or the name of a model
    /// that comes with the program
    #[arg(long, value_name = "DIR|FILE|NAME", value_hint = ValueHint::AnyPath)]
    teacher: Option<PathBuf>,

    /// How much the teacher counts: 1 is as much as the truth
    #[arg(long, value_name = "NUMBER")]
    trust: Option<f32>,

    /// Size of the network: tiny, small or full, with -l for one without CDCM and CSAM
    #[arg(long, value_name = "NAME", value_parser = arch)]
    size: Option<Arch>,

    /// A model whose weights are where training starts: a file, or the name of one that comes with the program
    #[arg(long, value_name = "FILE|NAME", value_hint = ValueHint::FilePath)]
    start: Option<PathBuf>,

    /// What is done to images: none, hed (as published) or strong
    #[arg(long, value_name = "NAME", value_parser = one_of::<Augmentation>(&["none", "hed", "strong"]))]
    augment: Option<Augmentation>,

    #[command(flatten)]
    pace: Pace,
}

impl Edges {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { run, recipe } = self;
        let config = run.configuration(Config::open, |config| recipe.apply(config))?;
        if !run.print_config && config.data.train.is_empty() {
            return Err(usage!(
                "nothing to learn from: give --bsds, --list, --folders, --pictures, or data.train in a file"
            ));
        }
        run.conduct(&config.to_toml(), |options, tell| train(&config, options, tell))
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
        let pictures = |pictures: &PathBuf| Source::Pictures { pictures: pictures.clone() };
        sources.extend(self.pictures.iter().map(pictures));
        if !sources.is_empty() {
            config.data.train = sources.into_iter().map(Material::from).collect();
        }
        if let Some(LabelsName(labels)) = self.labels {
            config.data.labels = labels;
        }
        config.data.tolerance = self.tolerance.unwrap_or(config.data.tolerance);
        if let Some(teacher) = &self.teacher {
            let maps = teacher.is_dir().then(|| teacher.clone());
            config.distil.model = if maps.is_none() { Some(teacher.clone()) } else { None };
            config.distil.maps = maps;
        }
        if let Some(trust) = self.trust {
            config.distil.trust = Trust::Always(trust);
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

/// The names of [`Labels`].
#[derive(Clone, Copy, Debug)]
struct LabelsName(Labels);

impl std::str::FromStr for LabelsName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "mean" => Ok(Self(Labels::Mean)),
            "registered" => Ok(Self(Labels::Registered)),
            "any" => Ok(Self(Labels::Any)),
            "sampled" => Ok(Self(Labels::Sampled)),
            _ => Err(format!("`{name}` is none of mean, registered, any, sampled")),
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
