//! `pidinet eval edges --detail`: a pair of models at several details.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use pidinet::models::Pair;
use pidinet::save::write_atomically;
use pidinet_eval::GroundTruth;
use pidinet_eval::edges::best_of::{BestOf, best_of};
use pidinet_eval::edges::counts::Counts;
use pidinet_eval::edges::curve::Point;
use pidinet_eval::edges::score::Scores;
use pidinet_eval::files::dataset::Dataset;
use pidinet_eval::results::write::{run, write_plot};
use serde::Serialize;

use super::arguments::{Arguments, named};
use super::scoring::{Scoring, Subject};
use crate::ui::tell_line;

/// The content of `details.json`.
#[derive(Debug, Serialize)]
struct Summary {
    name: String,
    images: usize,
    details: Vec<AtDetail>,
    best: Best,
}

/// The scores at a detail.
#[derive(Debug, Serialize)]
struct AtDetail {
    detail: f64,
    #[serde(flatten)]
    scores: Figures,
}

/// The scores with the best detail of each image.
#[derive(Debug, Serialize)]
struct Best {
    /// Number of details to choose from.
    of: usize,
    #[serde(flatten)]
    scores: Figures,
    /// The detail of each image.
    chosen: BTreeMap<String, f64>,
}

/// The figures that summarise a curve.
#[derive(Debug, Serialize)]
struct Figures {
    ods: Point,
    ois: Point,
    ap: f64,
    r50: f64,
}

impl Figures {
    fn of(scores: &Scores) -> Self {
        Self { ods: scores.ods, ois: scores.ois, ap: scores.ap, r50: scores.r50 }
    }
}

impl Arguments {
    /// Scores a model at each detail, and with the best one of each image.
    pub(super) fn details(
        &self,
        knob: &Pair,
        dataset: &Dataset,
        truth: &[GroundTruth],
    ) -> anyhow::Result<ExitCode> {
        let name = self.name();
        let mut scorings = Vec::new();
        for &detail in &self.detail {
            let subject = Subject {
                source: self.finder(&knob.at(detail)?, Some(detail))?,
                name: named(&name, detail),
                folder: self.out.join(format!("detail-{detail}")),
            };
            match self.evaluate(&subject, dataset, truth)? {
                Some(scoring) => scorings.push(scoring),
                None => return Ok(ExitCode::FAILURE),
            }
        }
        let counts: Vec<Vec<Vec<Counts>>> =
            scorings.iter_mut().map(|scoring| std::mem::take(&mut scoring.counts)).collect();
        let best =
            best_of(&self.options().thresholds, &counts).context("expected at least one image to score")?;
        self.write_details(&name, dataset, &scorings, &best)?;
        tell_line(&self.table(dataset.pairs.len(), &scorings, &best));
        Ok(ExitCode::SUCCESS)
    }

    /// The table as JSON, and all curves in one plot.
    fn write_details(
        &self,
        name: &str,
        dataset: &Dataset,
        scorings: &[Scoring],
        best: &BestOf,
    ) -> anyhow::Result<()> {
        let mut runs: Vec<_> =
            scorings.iter().map(|scoring| run(&scoring.summary.name, &scoring.scores)).collect();
        runs.push(run(&format!("{name}, best of {}", scorings.len()), &best.scores));
        for file in ["pr.svg", "pr.png"] {
            write_plot(&self.out.join(file), &runs, &self.plot())?;
        }
        let details = self.detail.iter().zip(scorings);
        let chosen = dataset.pairs.iter().zip(&best.chosen);
        let summary = Summary {
            name: name.to_owned(),
            images: dataset.pairs.len(),
            details: details
                .map(|(&detail, scoring)| AtDetail { detail, scores: Figures::of(&scoring.scores) })
                .collect(),
            best: Best {
                of: scorings.len(),
                scores: Figures::of(&best.scores),
                chosen: chosen.map(|(pair, &number)| (pair.id.clone(), self.detail[number])).collect(),
            },
        };
        let json = serde_json::to_string_pretty(&summary)?;
        Ok(write_atomically(self.out.join("details.json"), (json + "\n").as_bytes())?)
    }

    /// The scores for the terminal.
    fn table(&self, images: usize, scorings: &[Scoring], best: &BestOf) -> String {
        let line = |name: &str, scores: &Scores, chosen: &str| {
            let Scores { ods, ois, ap, r50, .. } = scores;
            format!(
                "{name:<12}{:>8.4}{:>8.4}{ap:>8.4}{r50:>8.4}{:>11.3}{chosen:>9}\n",
                ods.f, ois.f, ods.threshold
            )
        };
        let header = ["ODS", "OIS", "AP", "R50"].map(|name| format!("{name:>8}")).concat();
        let mut table = format!("{:<12}{header}{:>11}{:>9}\n", "detail", "threshold", "best of");
        for (number, (detail, scoring)) in self.detail.iter().zip(scorings).enumerate() {
            let chosen = best.chosen.iter().filter(|&&chosen| chosen == number).count();
            table += &line(&detail.to_string(), &scoring.scores, &chosen.to_string());
        }
        table += &line(&format!("best of {}", scorings.len()), &best.scores, &images.to_string());
        table + &format!("{images} images")
    }
}
