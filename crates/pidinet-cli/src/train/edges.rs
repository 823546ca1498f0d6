//! `pidinet train edges`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::arch::Arch;
use pidinet_train::edges::config::{Augment, Config, Labels, Material, Model, Source, Train, Trust};
use pidinet_train::edges::run::train;

use super::pace::Pace;
use super::run::RunArgs;
use crate::options::one_of;
use crate::ui::usage;

/// Train a network to detect edges, from annotated images
///
/// A run is a folder with its configuration, a checkpoint, the model, measurements and a report (run.html). Ctrl-C
/// saves and exits; --resume continues to bit-identical weights, as if never interrupted.
///
/// Options override the configuration file, which overrides the defaults; --print-config shows the result.
#[derive(clap::Args, Debug)]
pub(super) struct Edges {
    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    recipe: Recipe,
}

/// The settings that are changed most often.
#[derive(clap::Args, Debug)]
#[group(id = "recipe", multiple = true)]
struct Recipe {
    /// Folder of BSDS500, with images and groundTruth in it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    bsds: Option<PathBuf>,

    /// Splits of BSDS500 to train on
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', default_value = "train", requires = "bsds")]
    splits: Vec<String>,

    /// List file: an image and its ground truth on each line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    list: Vec<PathBuf>,

    /// Folder of images, and folder of ground truth with the same names
    #[arg(long, num_args = 2, value_names = ["IMAGES", "TRUTH"], value_hint = ValueHint::DirPath)]
    folders: Vec<PathBuf>,

    /// Folder of unannotated images, to be labelled by the teacher
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pictures: Vec<PathBuf>,

    /// How to combine annotators: mean (share of annotators), registered (share after aligning their lines), any
    /// (union) or sampled (one annotator, drawn at random each time)
    #[arg(long, value_name = "NAME", value_parser = one_of::<LabelsName>(&["mean", "registered", "any", "sampled"]))]
    labels: Option<LabelsName>,

    /// Ignore pixels within this distance of a boundary in the loss
    #[arg(long, value_name = "PIXELS")]
    tolerance: Option<usize>,

    /// Ignore pixels with this value in the ground truth, often 255, in training and validation
    #[arg(long, value_name = "VALUE")]
    gt_ignore: Option<u16>,

    /// Distil from a teacher: a folder of its edge maps (ID.png or ID.npy), a model file, or a built-in model
    #[arg(long, value_name = "DIR|FILE|NAME", value_hint = ValueHint::AnyPath)]
    teacher: Option<PathBuf>,

    /// Weight of the teacher's loss: 1 is as much as the ground truth
    #[arg(long, value_name = "NUMBER")]
    trust: Option<f32>,

    /// Network size: tiny, small or full; append -l to omit CDCM and CSAM
    #[arg(long, value_name = "NAME", value_parser = arch)]
    size: Option<Arch>,

    /// Model to start from: a file or the name of a built-in model; one with fewer channels is widened
    #[arg(long, value_name = "FILE|NAME", value_hint = ValueHint::FilePath)]
    start: Option<PathBuf>,

    /// Augmentation: none, hed (as published) or strong
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
                "no training data: give --bsds, --list, --folders or --pictures, or set data.train in the configuration file"
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
            // `val` is used for validation unless it is trained on; the test images never are.
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
        config.data.ignore = self.gt_ignore.or(config.data.ignore);
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
        let mut train = config.train.settings();
        self.pace.apply(&mut train, &mut config.schedule, &mut config.seed);
        config.train = Train { average: config.train.average, ..train.into() };
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
            _ => Err(format!("`{name}` is not one of none, hed, strong")),
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
            _ => Err(format!("`{name}` is not one of mean, registered, any, sampled")),
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
