//! The counts of every image, the scores computed from them, and the files that hold them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use pidinet_eval::GroundTruth;
use pidinet_eval::edges::counts::Counts;
use pidinet_eval::edges::evaluate::{EvaluateOptions, Times, evaluate, links};
use pidinet_eval::edges::score::Scores;
use pidinet_eval::files::dataset::{Dataset, Pair};
use pidinet_eval::results::store::{Existing, Store};
use pidinet_eval::results::summary::{Crispness, Seconds, Summary};
use pidinet_eval::results::write::{image_scores, run, write_plot, write_report, write_scores};
use rayon::prelude::*;
use serde::Serialize;

use super::arguments::Arguments;
use super::pictures::{self, Material};
use super::source::Source;
use crate::ui::Batch;

/// Most pairs of pixels that may be matched in an image: about 3 GB of memory. BSDS500 has under a million.
const MOST_LINKS: u64 = 50_000_000;

/// What the counts depend on besides files: if any of it changes, saved counts are not reused.
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
    options: &'a EvaluateOptions,
}

/// The counts of an image, with and without suppression, and the time they took.
struct Scored {
    counts: Vec<Counts>,
    raw: Option<Vec<Counts>>,
    times: Times,
    edges: Duration,
    kept: bool,
}

/// What is scored.
pub(super) struct Subject {
    pub(super) source: Source,
    /// Its name in plot and report.
    pub(super) name: String,
    /// Where its results go.
    pub(super) folder: PathBuf,
}

/// A subject and its scores.
pub(super) struct Scoring {
    /// Counts of each image at each threshold.
    pub(super) counts: Vec<Vec<Counts>>,
    pub(super) scores: Scores,
    pub(super) summary: Summary,
}

impl Arguments {
    /// Scores a subject and writes its results; `None` if images failed, which has then been reported.
    pub(super) fn evaluate(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        truth: &[GroundTruth],
    ) -> anyhow::Result<Option<Scoring>> {
        let Subject { source, folder, .. } = subject;
        let start = Instant::now();
        let options = self.options();
        let raw = EvaluateOptions { suppression: None, ..options.clone() };
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
        let summary_of = |scores: &Scores, options: &EvaluateOptions| {
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

    fn store(&self, folder: &Path, source: &Source, options: &EvaluateOptions) -> anyhow::Result<Store> {
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

    fn scores(&self, options: &EvaluateOptions, counts: &[Vec<Counts>]) -> anyhow::Result<Scores> {
        Scores::new(&options.thresholds, counts).context("expected at least one image to score")
    }

    fn summary(
        &self,
        scores: &Scores,
        options: &EvaluateOptions,
        images: &[Scored],
        elapsed: Duration,
    ) -> Summary {
        let (mut stages, mut edges) = (Times::default(), Duration::ZERO);
        for image in images {
            stages += image.times;
            edges += image.edges;
        }
        let kept = images.iter().filter(|image| image.kept).count();
        let seconds = Seconds::new(edges, &stages, elapsed, kept);
        Summary::new(self.name(), scores, options, images.len(), seconds)
    }
}

/// The files that the counts of an image depend on.
fn made_from<'a>(pair: &'a Pair, source: &'a Source) -> Vec<&'a Path> {
    let files = std::iter::once(&pair.prediction).chain(&pair.truth).map(PathBuf::as_path);
    files.chain(source.files()).collect()
}

/// One image being scored.
struct Job<'a> {
    source: &'a Source,
    pair: &'a Pair,
    truth: &'a GroundTruth,
    map: Option<pidinet::EdgeMap>,
    times: Times,
    edges: Duration,
}

impl Job<'_> {
    /// Its counts, and whether they had been saved before.
    fn counts(
        &mut self,
        store: &Store,
        options: &EvaluateOptions,
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
                "a matching distance of {} of the diagonal gives {} million candidate pairs of pixels; the limit is {} \
                 million: choose a smaller --max-dist",
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
