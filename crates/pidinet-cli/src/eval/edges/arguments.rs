//! The options of `pidinet eval edges`, and what they ask for.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::ValueHint;
use pidinet::EdgeDetector;
use pidinet::models::Pair;
use pidinet::weights::Model;
use pidinet_eval::edges::evaluate::Options;
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

/// What is scored against what, and how.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Folder of edge maps: images of 8 or 16 bits, .npy or .mat
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) pred: Option<PathBuf>,

    /// Folder of truth: ID.mat as BSDS500 has them or with one matrix, ID.png, or ID_*.png or a folder ID of
    /// several annotators
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) gt: Option<PathBuf>,

    /// The edge maps are dark on white
    #[arg(long)]
    pub(super) invert_pred: bool,

    /// The truth is dark on white
    #[arg(long)]
    pub(super) invert_gt: bool,

    /// Leave pixels out of the scores that have this value in the truth, often 255
    #[arg(long, value_name = "VALUE")]
    pub(super) gt_ignore: Option<u16>,

    /// The matrix in the .mat files of the truth [default: groundTruth, or the only one]
    #[arg(long, value_name = "NAME")]
    pub(super) gt_variable: Option<String>,

    /// A list instead of two folders: on each line an edge map and its truth
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pred", "gt"], value_hint = ValueHint::FilePath)]
    pub(super) pairs: Option<PathBuf>,

    /// Folder of photographs: to find the edges in, without --pred; else to show under them in the report
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) images: Option<PathBuf>,

    #[command(flatten)]
    pub(super) model: ModelArgs,

    /// How much is an edge, from 0, the boundaries of objects, which is `-m tiny` alone, to 1, every edge, which is
    /// tiny-edges. Of several, as in 0,.25,.5,.75,1, each is scored, in one table and one plot, and
    /// so is "best of n": for each image the detail that is best there
    #[arg(long, value_name = "0..1,...", value_delimiter = ',', value_parser = detail)]
    pub(super) detail: Vec<f64>,

    #[command(flatten)]
    pub(super) partner: PartnerArgs,

    /// Average the edges that the model finds at these scales of the photograph, as in 0.5,1,1.5
    #[arg(long, value_name = "S,...", value_delimiter = ',', value_parser = scale, default_value = "1")]
    pub(super) scales: Vec<f32>,

    /// Folder for the results
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: PathBuf,

    /// Data set: sets the distance, the suppression, and whether people are in the plot
    #[arg(long, value_name = "bsds|nyud|multicue", default_value = "bsds", value_parser = preset)]
    pub(super) preset: Preset,

    /// Suppression of non-maxima: none, hed, dollar, rcf, nyud, dexined, or radius, border and margin as in
    /// 2,5,1.01 [default: hed; nyud for that data set]
    #[arg(long, value_name = "NAME|R,S,M", value_parser = nms)]
    pub(super) nms: Option<Nms>,

    /// How many thresholds, evenly between 0 and 1, or a list of them as in 0.25,0.5
    #[arg(long, value_name = "N|T,...", default_value = "99", value_parser = threshold_list)]
    pub(super) thresholds: Thresholds,

    /// How far from the truth an edge may be, as a fraction of the diagonal [default: 0.0075; 0.011 for nyud]
    #[arg(long, value_name = "X", value_parser = distance)]
    pub(super) max_dist: Option<f64>,

    /// Keep probabilities as they are, instead of rounding them to 8 bits after suppression, which the
    /// published scores include as their maps were saved as images then
    #[arg(long)]
    pub(super) no_rounding: bool,

    /// Score the maps without suppression, too, and say what share of the scores is left. Takes twice as long
    #[arg(long)]
    pub(super) crispness: bool,

    /// Go on with a run that was cut off: images are kept that were finished with the same options
    #[arg(long)]
    pub(super) resume: bool,

    #[command(flatten)]
    pub(super) engine: EngineArgs,

    /// What plot and report call it [default: the name of the folder of edges]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// Do not write report.html
    #[arg(long)]
    pub(super) no_report: bool,
}

/// What a model is called at a detail.
pub(super) fn named(name: &str, detail: f64) -> String {
    format!("{name}@{detail}")
}

impl Arguments {
    /// The two models between which details lie, if any is asked for.
    pub(super) fn knob(&self) -> anyhow::Result<Option<Pair>> {
        if self.detail.is_empty() {
            return Ok(None);
        }
        if self.pred.is_some() || self.images.is_none() && self.pairs.is_none() {
            return Err(usage!("--detail is for a model that finds edges in --images, not for saved maps"));
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

    /// Saved maps if there are any, else the model.
    pub(super) fn source(&self) -> anyhow::Result<Source> {
        if self.pred.is_some() && self.model.file().is_some() {
            return Err(usage!("--pred and --model are both edges: give one"));
        }
        if self.pred.is_some() || (self.pairs.is_some() && self.model.file().is_none()) {
            return Ok(Source::Maps(Reading { inverted: self.invert_pred, ..Reading::default() }));
        }
        if self.invert_pred {
            return Err(usage!("--invert-pred is for saved maps, and the model's are bright on black"));
        }
        if self.images.is_none() && self.pairs.is_none() {
            return Err(usage!("no edges: give maps with --pred, or --model and --images"));
        }
        self.finder(&self.model.open()?, None)
    }

    /// A model that finds the edges.
    pub(super) fn finder(&self, model: &Model, detail: Option<f64>) -> anyhow::Result<Source> {
        let options = pidinet::DetectorOptions {
            // Images are in parallel; each is found by the thread that scores it.
            threads: NonZeroUsize::new(1),
            isa: self.engine.isa,
            precision: self.engine.precision,
            strip: self.engine.tile,
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
        let gt = self.gt.as_ref().ok_or_else(|| usage!("no truth: give a folder with --gt"))?;
        Ok(source.dataset(pred, gt)?)
    }

    pub(super) fn truth_options(&self) -> TruthOptions {
        let drawing = Drawing { inverted: self.invert_gt, ignore: self.gt_ignore };
        TruthOptions { drawing, variable: self.gt_variable.clone() }
    }

    pub(super) fn options(&self) -> Options {
        let suppression = match self.nms {
            Some(Nms(suppression)) => suppression,
            None => Some(self.preset.suppression()),
        };
        Options {
            suppression,
            eight_bit: !self.no_rounding,
            thresholds: self.thresholds.0.clone(),
            max_distance: self.max_dist.unwrap_or(self.preset.max_distance()),
        }
    }

    /// What was asked for, else the name of the edges or of the model.
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
