//! `pidinet eval edges`: the BSDS benchmark.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueHint;
use pidinet::EdgeDetector;
use pidinet::post::Suppression;
use pidinet::weights::Model;
use pidinet_eval::GroundTruth;
use pidinet_eval::edges::counts::Counts;
use pidinet_eval::edges::evaluate::{Options, Times, evaluate, links, thresholds};
use pidinet_eval::edges::score::Scores;
use pidinet_eval::figures::plot::{BSDS_HUMAN, PlotOptions};
use pidinet_eval::files::dataset::{Dataset, Pair, Preset};
use pidinet_eval::files::ground_truth::TruthOptions;
use pidinet_eval::files::levels::Drawing;
use pidinet_eval::files::predictions::Reading;
use pidinet_eval::results::store::{Existing, Store};
use pidinet_eval::results::summary::{Crispness, Seconds, Summary};
use pidinet_eval::results::write::{image_scores, run, write_plot, write_report, write_scores};
use rayon::prelude::*;
use serde::Serialize;

use super::pictures::{self, Material};
use super::source::{Asked, Finder, Looks, Source};
use crate::detail::{PartnerArgs, detail};
use crate::model::ModelArgs;
use crate::options::{EngineArgs, scale, with_threads};
use crate::ui::{Batch, tell_line, usage};

/// Score edges by the BSDS benchmark
///
/// Edges are suppressed to their crests, thinned at each threshold and matched one to one with what each
/// annotator drew. Writes the benchmark's own text files, summary.json, a plot of precision against recall
/// and report.html. The scores do not depend on the number of threads.
#[derive(clap::Args, Debug)]
pub(crate) struct Edges {
    /// Folder of edge maps: images of 8 or 16 bits, .npy or .mat
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pred: Option<PathBuf>,

    /// Folder of truth: ID.mat as BSDS500 has them or with one matrix, ID.png, or ID_*.png or a folder ID of
    /// several annotators
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    gt: Option<PathBuf>,

    /// The edge maps are dark on white
    #[arg(long)]
    invert_pred: bool,

    /// The truth is dark on white
    #[arg(long)]
    invert_gt: bool,

    /// Leave pixels out of the scores that have this value in the truth, often 255
    #[arg(long, value_name = "VALUE")]
    gt_ignore: Option<u16>,

    /// The matrix in the .mat files of the truth [default: groundTruth, or the only one]
    #[arg(long, value_name = "NAME")]
    gt_variable: Option<String>,

    /// A list instead of two folders: on each line an edge map and its truth
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pred", "gt"], value_hint = ValueHint::FilePath)]
    pairs: Option<PathBuf>,

    /// Folder of photographs: to find the edges in, without --pred; else to show under them in the report
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    images: Option<PathBuf>,

    #[command(flatten)]
    model: ModelArgs,

    /// How much is an edge, from 0, the boundaries of objects, which is `-m tiny` alone, to 1, every edge, which is
    /// tiny-edges. Of several, as in 0,.25,.5,.75,1, each is scored, in one table and one plot, and
    /// so is "best of n": for each image the detail that is best there
    #[arg(long, value_name = "0..1,...", value_delimiter = ',', value_parser = detail)]
    detail: Vec<f64>,

    #[command(flatten)]
    partner: PartnerArgs,

    /// Average the edges that the model finds at these scales of the photograph, as in 0.5,1,1.5
    #[arg(long, value_name = "S,...", value_delimiter = ',', value_parser = scale, default_value = "1")]
    scales: Vec<f32>,

    /// Folder for the results
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,

    /// Data set: sets the distance, the suppression, and whether people are in the plot
    #[arg(long, value_name = "bsds|nyud|multicue", default_value = "bsds", value_parser = preset)]
    preset: Preset,

    /// Suppression of non-maxima: none, hed, dollar, rcf, nyud, dexined, or radius, border and margin as in
    /// 2,5,1.01 [default: hed; nyud for that data set]
    #[arg(long, value_name = "NAME|R,S,M", value_parser = nms)]
    nms: Option<Nms>,

    /// How many thresholds, evenly between 0 and 1, or a list of them as in 0.25,0.5
    #[arg(long, value_name = "N|T,...", default_value = "99", value_parser = threshold_list)]
    thresholds: Thresholds,

    /// How far from the truth an edge may be, as a fraction of the diagonal [default: 0.0075; 0.011 for nyud]
    #[arg(long, value_name = "X", value_parser = distance)]
    max_dist: Option<f64>,

    /// Keep probabilities as they are, instead of rounding them to 8 bits after suppression, which the
    /// published scores include as their maps were saved as images then
    #[arg(long)]
    no_rounding: bool,

    /// Score the maps without suppression, too, and say what share of the scores is left. Takes twice as long
    #[arg(long)]
    crispness: bool,

    /// Go on with a run that was cut off: images are kept that were finished with the same options
    #[arg(long)]
    resume: bool,

    #[command(flatten)]
    engine: EngineArgs,

    /// What plot and report call it [default: the name of the folder of edges]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Do not write report.html
    #[arg(long)]
    no_report: bool,
}

mod details;

#[derive(Clone, Copy, Debug)]
struct Nms(Option<Suppression>);

#[derive(Clone, Debug)]
struct Thresholds(Vec<f64>);

fn preset(text: &str) -> Result<Preset, String> {
    text.parse().map_err(|_| "expected bsds, nyud or multicue".to_owned())
}

fn nms(text: &str) -> Result<Nms, String> {
    if text == "none" {
        Ok(Nms(None))
    } else {
        text.parse().map(|nms| Nms(Some(nms))).map_err(|error: pidinet::UnknownName| error.to_string())
    }
}

fn distance(text: &str) -> Result<f64, String> {
    let distance = text.parse().ok().filter(|distance| (0.0..=1.0).contains(distance));
    distance.ok_or_else(|| "expected a fraction of the diagonal such as 0.0075".to_owned())
}

/// Most pairs of pixels that may be matched in an image: about 3 GB of memory. BSDS500 has under a million.
const MOST_LINKS: u64 = 50_000_000;

/// Most thresholds that make a difference: one for each value of 16 bits.
const MOST_THRESHOLDS: usize = 65_535;

fn threshold_list(text: &str) -> Result<Thresholds, String> {
    if let Ok(count) = text.parse::<usize>() {
        let count = Some(count).filter(|count| (1..=MOST_THRESHOLDS).contains(count));
        let count = count.ok_or_else(|| format!("expected 1 to {MOST_THRESHOLDS} thresholds"))?;
        return Ok(Thresholds(thresholds(count)));
    }
    let list: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok()).collect();
    let list =
        list.filter(|list| list.is_sorted_by(|a, b| a < b) && list[0] > 0.0 && list[list.len() - 1] <= 1.0);
    list.map(Thresholds).ok_or_else(|| "expected a number of thresholds, or rising ones in (0, 1]".to_owned())
}

/// What the counts depend on besides files: with anything else they are not kept.
#[derive(Serialize)]
struct Noted<'a> {
    version: &'static str,
    edges: serde_json::Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    invert_gt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gt_ignore: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gt_variable: Option<&'a str>,
    #[serde(flatten)]
    options: &'a Options,
}

/// The counts of an image, with and without suppression, and what they took.
struct Scored {
    counts: Vec<Counts>,
    raw: Option<Vec<Counts>>,
    times: Times,
    edges: Duration,
    kept: bool,
}

/// What is scored.
struct Subject {
    source: Source,
    /// What plot and report call it.
    name: String,
    /// Where its results go.
    folder: PathBuf,
}

/// Its scores, and what they are of.
struct Scoring {
    /// Counts of each image at each threshold.
    counts: Vec<Vec<Counts>>,
    scores: Scores,
    summary: Summary,
}

impl Edges {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let knob = self.knob()?;
        let mut source = match (&knob, &self.detail[..]) {
            (Some(knob), [detail]) => self.finder(&knob.at(*detail)?, Some(*detail))?,
            (Some(knob), _) => self.finder(knob.boundaries(), Some(0.0))?,
            (None, _) => self.source()?,
        };
        let dataset = self.dataset(&source)?;
        if !dataset.unused.is_empty() {
            log::info!("{} predictions have no truth and are left out", dataset.unused.len());
        }
        with_threads(self.engine.threads, || {
            let looks = Looks::default();
            let truth = dataset.truth(&self.truth_options(), |path| source.size(path, &looks))?;
            source.settle(looks);
            match knob {
                Some(knob) if self.detail.len() > 1 => self.details(&knob, &dataset, &truth),
                _ => {
                    let subject = Subject { source, name: self.name(), folder: self.out.clone() };
                    let Some(scoring) = self.evaluate(&subject, &dataset, &truth)? else {
                        return Ok(ExitCode::FAILURE);
                    };
                    tell_line(&table(&scoring.summary));
                    Ok(ExitCode::SUCCESS)
                }
            }
        })
    }

    /// Scores a subject and writes its results; `None` if images failed, which was told.
    fn evaluate(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        truth: &[GroundTruth],
    ) -> anyhow::Result<Option<Scoring>> {
        let Subject { source, folder, .. } = subject;
        let start = Instant::now();
        let options = self.options();
        let raw = Options { suppression: None, ..options.clone() };
        let store = self.store(folder, source, &options)?;
        let raw_folder = folder.join("unsuppressed");
        let raw_store = self.crispness.then(|| self.store(&raw_folder, source, &raw)).transpose()?;

        let mut batch = Batch::new(dataset.pairs.len());
        let one = |(pair, truth): (&Pair, &GroundTruth)| -> anyhow::Result<Scored> {
            batch.progress().begin(pair.id.clone());
            let made_from = made_from(pair, source);
            let mut job =
                Job { source, pair, truth, map: None, times: Times::default(), edges: Duration::ZERO };
            let (counts, kept) = job.counts(&store, &options, &made_from)?;
            let raw = raw_store.as_ref().map(|store| job.counts(store, &raw, &made_from)).transpose()?;
            batch.done(None);
            Ok(Scored {
                counts,
                raw: raw.map(|(counts, _)| counts),
                times: job.times,
                edges: job.edges,
                kept,
            })
        };
        let scored: Vec<anyhow::Result<Scored>> =
            dataset.pairs.par_iter().zip(truth).with_max_len(1).map(one).collect();
        let mut images = Vec::new();
        for (pair, scored) in dataset.pairs.iter().zip(scored) {
            match scored {
                Ok(scored) => images.push(scored),
                Err(error) => batch.failed(&error.context(format!("cannot score {}", pair.id))),
            }
        }
        if images.len() < dataset.pairs.len() {
            batch.end();
            return Ok(None);
        }
        batch.end();

        let counts: Vec<Vec<Counts>> = images.iter().map(|image| image.counts.clone()).collect();
        let scores = self.scores(&options, &counts)?;
        let summary_of = |scores: &Scores, options: &Options| {
            let summary = self.summary(scores, options, &images, start.elapsed());
            Summary { name: subject.name.clone(), ..summary }
        };
        let mut summary = summary_of(&scores, &options);
        if self.crispness {
            let counts: Vec<Vec<Counts>> = images.iter().filter_map(|image| image.raw.clone()).collect();
            let without = self.scores(&raw, &counts)?;
            write_scores(&raw_folder, &without, &summary_of(&without, &raw))?;
            summary.crispness = Some(Crispness::new(&without, &scores));
        }
        self.write(subject, dataset, truth, &scores, &summary)?;
        Ok(Some(Scoring { counts, scores, summary }))
    }

    fn write(
        &self,
        Subject { source, folder, .. }: &Subject,
        dataset: &Dataset,
        truth: &[GroundTruth],
        scores: &Scores,
        summary: &Summary,
    ) -> anyhow::Result<()> {
        let plot = self.plot();
        write_scores(folder, scores, summary)?;
        let run = run(&summary.name, scores);
        for name in ["pr.svg", "pr.png"] {
            write_plot(&folder.join(name), std::slice::from_ref(&run), &plot)?;
        }
        if !self.no_report {
            let ids: Vec<&str> = dataset.pairs.iter().map(|pair| &pair.id[..]).collect();
            let material = Material {
                source,
                pairs: &dataset.pairs,
                truth,
                options: &summary.options,
                threshold: scores.ods.threshold,
                photos: self.images.as_deref(),
            };
            let groups = pictures::groups(&material, &image_scores(scores, &ids))?;
            write_report(folder, scores, summary, &ids, &groups, &plot)?;
        }
        Ok(())
    }

    fn plot(&self) -> PlotOptions {
        PlotOptions { human: (self.preset == Preset::Bsds).then_some(BSDS_HUMAN) }
    }

    /// Saved maps if there are any, else the model.
    fn source(&self) -> anyhow::Result<Source> {
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
    fn finder(&self, model: &Model, detail: Option<f64>) -> anyhow::Result<Source> {
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

    fn dataset(&self, source: &Source) -> anyhow::Result<Dataset> {
        if let Some(list) = &self.pairs {
            return Ok(Dataset::list(list)?);
        }
        let pred = self.pred.as_ref().or(self.images.as_ref()).expect("a source has its folder");
        let gt = self.gt.as_ref().ok_or_else(|| usage!("no truth: give a folder with --gt"))?;
        Ok(source.dataset(pred, gt)?)
    }

    fn truth_options(&self) -> TruthOptions {
        let drawing = Drawing { inverted: self.invert_gt, ignore: self.gt_ignore };
        TruthOptions { drawing, variable: self.gt_variable.clone() }
    }

    fn options(&self) -> Options {
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

    fn store(&self, folder: &Path, source: &Source, options: &Options) -> anyhow::Result<Store> {
        let existing = if self.resume { Existing::Keep } else { Existing::Replace };
        let noted = Noted {
            version: env!("CARGO_PKG_VERSION"),
            edges: source.description(),
            invert_gt: self.invert_gt,
            gt_ignore: self.gt_ignore,
            gt_variable: self.gt_variable.as_deref(),
            options,
        };
        let store = Store::open(folder, &noted, &options.thresholds, existing);
        store.with_context(|| format!("cannot use {} for the results", folder.display()))
    }

    fn scores(&self, options: &Options, counts: &[Vec<Counts>]) -> anyhow::Result<Scores> {
        Scores::new(&options.thresholds, counts).context("expected at least one image to score")
    }

    fn summary(&self, scores: &Scores, options: &Options, images: &[Scored], elapsed: Duration) -> Summary {
        let (mut stages, mut edges) = (Times::default(), Duration::ZERO);
        for image in images {
            stages += image.times;
            edges += image.edges;
        }
        let kept = images.iter().filter(|image| image.kept).count();
        let seconds = Seconds::new(edges, &stages, elapsed, kept);
        Summary::new(self.name(), scores, options, images.len(), seconds)
    }

    /// What was asked for, else the name of the edges or of the model.
    fn name(&self) -> String {
        let paths = [self.pred.as_deref(), self.model.file(), self.pairs.as_deref()];
        let path = paths.into_iter().flatten().next().unwrap_or(&self.out);
        let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let stem = full.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(|| match self.detail[..] {
            [detail] => details::named(&stem, detail),
            _ => stem,
        })
    }
}

/// The files that the counts of an image depend on.
fn made_from<'a>(pair: &'a Pair, source: &'a Source) -> Vec<&'a Path> {
    let files = std::iter::once(&pair.prediction).chain(&pair.truth).map(PathBuf::as_path);
    files.chain(source.files()).collect()
}

/// One image on its way.
struct Job<'a> {
    source: &'a Source,
    pair: &'a Pair,
    truth: &'a GroundTruth,
    map: Option<pidinet::EdgeMap>,
    times: Times,
    edges: Duration,
}

impl Job<'_> {
    /// Its counts, and whether they were there already.
    fn counts(
        &mut self,
        store: &Store,
        options: &Options,
        made_from: &[&Path],
    ) -> anyhow::Result<(Vec<Counts>, bool)> {
        if let Some(counts) = store.load(&self.pair.id, made_from) {
            return Ok((counts, true));
        }
        let map = match self.map.take() {
            Some(map) => map,
            None => {
                let start = Instant::now();
                let map = self.source.edges(&self.pair.prediction)?;
                self.edges += start.elapsed();
                map
            }
        };
        let links = links(&map, self.truth, options);
        if links > MOST_LINKS {
            bail!(
                "a distance of {} of the diagonal gives {} million pairs of pixels that may be matched, and the limit \
                 is {} million: choose a smaller --max-dist",
                options.max_distance,
                links / 1_000_000,
                MOST_LINKS / 1_000_000
            );
        }
        let evaluation = evaluate(&map, self.truth, options);
        self.map = Some(map);
        self.times += evaluation.times;
        store.save(&self.pair.id, &evaluation.counts)?;
        Ok((evaluation.counts, false))
    }
}

/// The scores for the terminal.
fn table(summary: &Summary) -> String {
    let Summary { ods, ois, ap, r50, images, seconds, .. } = summary;
    let mut table = format!(
        "ODS  {:.4}  recall {:.4}, precision {:.4} at threshold {:.3}\n\
         OIS  {:.4}  recall {:.4}, precision {:.4}\n\
         AP   {ap:.4}\nR50  {r50:.4}\n",
        ods.f, ods.recall, ods.precision, ods.threshold, ois.f, ois.recall, ois.precision
    );
    if let Some(crispness) = &summary.crispness {
        let (ods, ois, ap, ratio) = (&crispness.ods, &crispness.ois, crispness.ap, &crispness.ratio);
        table += &format!(
            "without suppression: ODS {:.4} ({:.3} of it), OIS {:.4} ({:.3}), AP {ap:.4} ({:.3})\n",
            ods.f, ratio.ods, ois.f, ratio.ois, ratio.ap
        );
    }
    let nms = summary.options.suppression.map_or_else(|| "none".to_owned(), |nms| nms.to_string());
    table + &format!("{images} images, suppression {nms}, {:.1} s", seconds.elapsed)
}
