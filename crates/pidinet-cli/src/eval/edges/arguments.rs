//! The options of `pidinet eval edges`, and what they mean.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::ValueHint;
use pidinet::EdgeDetector;
use pidinet::models::Pair;
use pidinet::weights::Model;
use pidinet_eval::edges::evaluate::EvaluateOptions;
use pidinet_eval::figures::plot::{BSDS_HUMAN, PlotOptions};
use pidinet_eval::files::dataset::{Dataset, Preset};
use pidinet_eval::files::ground_truth::TruthOptions;
use pidinet_eval::files::levels::Drawing;
use pidinet_eval::files::predictions::Reading;

use super::source::{Asked, Finder, Source};
use super::values::{Nms, Thresholds, distance, nms, preset, threshold_list};
use crate::detail::{PartnerArgs, detail};
use crate::model::ModelArgs;
use crate::options::{EngineArgs, scale};
use crate::ui::usage;

/// What to score against what, and how.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Folder of edge maps: 8- or 16-bit images, .npy or .mat
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) pred: Option<PathBuf>,

    /// Folder of ground truth: ID.mat (as in BSDS500, or with a single matrix) or ID.png; for several annotators
    /// ID_*.png or a folder ID
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) gt: Option<PathBuf>,

    /// Edge maps are dark on white
    #[arg(long)]
    pub(super) invert_pred: bool,

    /// Ground truth is dark on white
    #[arg(long)]
    pub(super) invert_gt: bool,

    /// Ignore pixels with this value in the ground truth, often 255
    #[arg(long, value_name = "VALUE")]
    pub(super) gt_ignore: Option<u16>,

    /// Name of the matrix in .mat ground truth [default: groundTruth, or the only one]
    #[arg(long, value_name = "NAME")]
    pub(super) gt_variable: Option<String>,

    /// List file instead of two folders: an edge map and its ground truth on each line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pred", "gt"], value_hint = ValueHint::FilePath)]
    pub(super) pairs: Option<PathBuf>,

    /// Folder of photographs: the input of the model, or with --pred the background of pictures in the report
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) images: Option<PathBuf>,

    #[command(flatten)]
    pub(super) model: ModelArgs,

    /// Level of detail, from 0 (object boundaries: tiny by itself) to 1 (every edge: tiny-edges); likewise with `-m
    /// small` and `-m full`. Several levels, such as 0,.25,.5,.75,1, are each scored, in one table and one plot, as is
    /// "best of n", the best level of each image
    #[arg(long, value_name = "0..1,...", value_delimiter = ',', value_parser = detail)]
    pub(super) detail: Vec<f64>,

    #[command(flatten)]
    pub(super) partner: PartnerArgs,

    /// Average the maps of the photograph at these scales, such as 0.5,1,1.5
    #[arg(long, value_name = "S,...", value_delimiter = ',', value_parser = scale, default_value = "1")]
    pub(super) scales: Vec<f32>,

    /// Output folder
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: PathBuf,

    /// Data set: sets the matching distance, the suppression, and whether the plot shows human performance
    #[arg(long, value_name = "bsds|nyud|multicue", default_value = "bsds", value_parser = preset)]
    pub(super) preset: Preset,

    /// Non-maximum suppression: none, hed, dollar, rcf, nyud, dexined, or RADIUS,BORDER,MARGIN such as 2,5,1.01
    /// [default: hed; nyud for --preset nyud]
    #[arg(long, value_name = "NAME|R,B,M", value_parser = nms)]
    pub(super) nms: Option<Nms>,

    /// Number of thresholds, evenly spaced between 0 and 1, or a list such as 0.25,0.5
    #[arg(long, value_name = "N|T,...", default_value = "99", value_parser = threshold_list)]
    pub(super) thresholds: Thresholds,

    /// Maximum matching distance, as a fraction of the image diagonal [default: 0.0075; 0.011 for nyud]
    #[arg(long, value_name = "X", value_parser = distance)]
    pub(super) max_dist: Option<f64>,

    /// Do not round probabilities to 8 bits after suppression. Published scores include this rounding, because maps
    /// were saved as 8-bit images
    #[arg(long)]
    pub(super) no_rounding: bool,

    /// Also score without suppression, and report the ratio of the scores. Takes twice as long
    #[arg(long)]
    pub(super) crispness: bool,

    /// Resume an interrupted run: reuse the results of images finished with the same options
    #[arg(long)]
    pub(super) resume: bool,

    #[command(flatten)]
    pub(super) engine: EngineArgs,

    /// Name in the plot and report [default: the name of the folder of edge maps]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// Do not write report.html
    #[arg(long)]
    pub(super) no_report: bool,
}

/// The name of a model at a detail.
pub(super) fn named(name: &str, detail: f64) -> String {
    format!("{name}@{detail}")
}

impl Arguments {
    /// The two models to interpolate between, if a detail was given.
    pub(super) fn knob(&self) -> anyhow::Result<Option<Pair>> {
        if self.detail.is_empty() {
            return Ok(None);
        }
        if self.pred.is_some() || self.images.is_none() && self.pairs.is_none() {
            return Err(usage!("--detail applies to a model run on --images, not to saved maps"));
        }
        let mut sorted = self.detail.clone();
        sorted.sort_by(f64::total_cmp);
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(usage!("--detail has {} twice", twice[0]));
        }
        self.model.pair(&self.partner).map(Some)
    }

    pub(super) fn plot(&self) -> PlotOptions {
        PlotOptions { human: (self.preset == Preset::Bsds).then_some(BSDS_HUMAN) }
    }

    /// Saved maps if they were given, else the model.
    pub(super) fn source(&self) -> anyhow::Result<Source> {
        if self.pred.is_some() && self.model.file().is_some() {
            return Err(usage!("--pred and --model cannot be combined"));
        }
        if self.pred.is_some() || (self.pairs.is_some() && self.model.file().is_none()) {
            return Ok(Source::Maps(Reading { inverted: self.invert_pred, ..Reading::default() }));
        }
        if self.invert_pred {
            return Err(usage!("--invert-pred applies to saved maps only"));
        }
        if self.images.is_none() && self.pairs.is_none() {
            return Err(usage!("nothing to score: give edge maps with --pred, or --model and --images"));
        }
        self.finder(&self.model.open()?, None)
    }

    /// A model that finds the edges.
    pub(super) fn finder(&self, model: &Model, detail: Option<f64>) -> anyhow::Result<Source> {
        let options = pidinet::DetectorOptions {
            // Images are scored in parallel, so each detector needs only the thread that scores its image.
            threads: NonZeroUsize::new(1),
            isa: self.engine.isa,
            precision: self.engine.precision,
            strip: self.engine.strip,
            scales: self.scales.clone(),
            ..pidinet::DetectorOptions::default()
        };
        let detector = EdgeDetector::new(model, &options)?;
        let asked = Asked {
            model: self.model.file().map(Path::to_path_buf),
            detail: detail.map(|detail| (detail, self.partner.file().map(Path::to_path_buf))),
        };
        Ok(Source::Model(Box::new(Finder { detector, options, asked })))
    }

    pub(super) fn dataset(&self, source: &Source) -> anyhow::Result<Dataset> {
        if let Some(list) = &self.pairs {
            return Ok(Dataset::list(list)?);
        }
        let pred = self.pred.as_ref().or(self.images.as_ref()).expect("a source has its folder");
        let gt = self.gt.as_ref().ok_or_else(|| usage!("no ground truth: give a folder with --gt"))?;
        Ok(source.dataset(pred, gt)?)
    }

    pub(super) fn truth_options(&self) -> TruthOptions {
        let drawing = Drawing { inverted: self.invert_gt, ignore: self.gt_ignore };
        TruthOptions { drawing, variable: self.gt_variable.clone() }
    }

    pub(super) fn options(&self) -> EvaluateOptions {
        let suppression = match self.nms {
            Some(Nms(suppression)) => suppression,
            None => Some(self.preset.suppression()),
        };
        EvaluateOptions {
            suppression,
            eight_bit: !self.no_rounding,
            thresholds: self.thresholds.0.clone(),
            max_distance: self.max_dist.unwrap_or(self.preset.max_distance()),
        }
    }

    /// The name given, else that of the edge maps or the model.
    pub(super) fn name(&self) -> String {
        let paths = [self.pred.as_deref(), self.model.file(), self.pairs.as_deref()];
        let path = paths.into_iter().flatten().next().unwrap_or(&self.out);
        let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let stem = full.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(|| match self.detail[..] {
            [detail] => named(&stem, detail),
            _ => stem,
        })
    }
}
