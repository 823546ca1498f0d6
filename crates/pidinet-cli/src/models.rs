//! `pidinet models`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use pidinet::Size;
use pidinet::arch::recognition::survey::RecognitionSurvey;
use pidinet::arch::survey::Survey;
use pidinet::models::{self, Embedded};
use pidinet::weights::{AnyModel, ModelInfo, OpenOptions};
use serde::Serialize;

use crate::found::Found;
use crate::table::{LEFT, aligned};
use crate::ui;

/// List the built-in models
///
/// Use a model by its name: `pidinet detect -m NAME` for edges, `pidinet classify -m NAME` for recognition. Run
/// `pidinet inspect NAME` for its layers. Models that form a pair can be interpolated with --detail.
#[derive(clap::Args, Debug)]
pub(crate) struct Models {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The output.
#[derive(Debug, Serialize)]
struct Listing {
    models: Vec<Entry>,
    pairs: Vec<PairEntry>,
}

/// A model.
#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    task: &'static str,
    /// Whether it is the default model.
    default: bool,
    licence: String,
    training_data: String,
    parameters: usize,
    /// Binary parameters, which are not counted in `parameters`.
    binary_parameters: usize,
    bytes: usize,
    scores: BTreeMap<String, f64>,
    sha256: String,
}

/// Two models that can be interpolated.
#[derive(Debug, Serialize)]
struct PairEntry {
    name: &'static str,
    boundaries: &'static str,
    edges: &'static str,
}

impl Models {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let pairs = models::pairs().filter_map(|boundaries| {
            let edges = boundaries.partner()?.name;
            Some(PairEntry { name: boundaries.name, boundaries: boundaries.name, edges })
        });
        let entries = models::ALL.iter().map(entry).collect::<anyhow::Result<_>>()?;
        let listing = Listing { models: entries, pairs: pairs.collect() };
        if self.json {
            ui::print_line(&serde_json::to_string(&listing)?)?;
        } else {
            ui::print(listing.text().as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn entry(model: &'static Embedded) -> anyhow::Result<Entry> {
    let found = Found::Embedded(model);
    let (task, parameters, binary_parameters, info) = match found.open(&OpenOptions::default())? {
        AnyModel::Recognition(read) => {
            let survey = RecognitionSurvey::of(&read.arch, Size::square(read.input.size));
            ("recognition", survey.parameter_count(), survey.bit_count(), read.info)
        }
        AnyModel::Edges(read) => {
            ("edges", Survey::of(&read.arch, Size::square(8)).parameter_count(), 0, read.info)
        }
    };
    let ModelInfo { licence, training_data, scores, .. } = info;
    Ok(Entry {
        name: model.name,
        task,
        default: model.name == models::DEFAULT_NAME,
        licence,
        training_data,
        parameters,
        binary_parameters,
        bytes: model.bytes.len(),
        scores,
        sha256: found.sha256()?,
    })
}

impl Listing {
    fn text(&self) -> String {
        let blocks: Vec<String> = self.models.iter().map(|entry| self.block(entry)).collect();
        match blocks.is_empty() {
            true => "this program was built without models\n".to_owned(),
            false => blocks.join("\n"),
        }
    }

    fn block(&self, entry: &Entry) -> String {
        let knob = self.pairs.iter().find_map(|PairEntry { boundaries, edges, .. }| {
            (*boundaries == entry.name)
                .then(|| format!("with {edges}: --detail, from 0, {boundaries} alone, to 1, {edges}"))
                .or_else(|| {
                    (*edges == entry.name).then(|| format!("with {boundaries}: -m {boundaries} --detail 1"))
                })
        });
        let scores: Vec<String> =
            entry.scores.iter().map(|(name, score)| format!("{name} {score}")).collect();
        let bits = match entry.binary_parameters {
            0 => String::new(),
            count => format!(", and {count} of 1 bit"),
        };
        let default = if entry.default { ", the default" } else { "" };
        let facts = [
            ("name", entry.name.to_owned()),
            ("for", format!("{}{default}", entry.task)),
            ("pair", knob.unwrap_or_default()),
            ("licence", entry.licence.clone()),
            ("training data", entry.training_data.clone()),
            ("parameters", format!("{}{bits}", entry.parameters)),
            ("bytes", entry.bytes.to_string()),
            ("scores", scores.join(", ")),
            ("sha256", entry.sha256.clone()),
        ];
        let known = facts.iter().filter(|(_, value)| !value.is_empty());
        aligned(known.map(|(what, value)| [*what, value]), [LEFT; 2])
    }
}
