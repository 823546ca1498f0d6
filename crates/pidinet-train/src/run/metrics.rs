//! The measurements of a run, one JSON object a line.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Record {
    /// Steps done.
    pub step: u64,
    /// How often each image was used.
    pub epoch: f64,
    /// The learning rate of the last step.
    pub rate: f64,
    /// Mean loss of an image since the previous line.
    pub loss: f64,
    /// Seconds of training.
    pub seconds: f64,
    /// Scores on the validation images.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub validation: Option<Scores>,
}

/// Scores on the validation images.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Scores {
    /// Mean loss of an image.
    pub loss: f64,
    /// Scores by name, greater ones better: `ods`, `ois` and `ap` of edges, `top1` and `top5` of classes.
    #[serde(flatten)]
    pub named: BTreeMap<String, f64>,
}

impl Scores {
    /// From the loss and the scores.
    pub fn new<const N: usize>(loss: f64, named: [(&str, f64); N]) -> Self {
        Self { loss, named: named.map(|(name, score)| (name.to_owned(), score)).into() }
    }
}

/// The file of a run's measurements.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    records: Vec<Record>,
}

impl Metrics {
    /// Opens the measurements of a run that resumes after `step` steps. Lines of later steps, which an
    /// interrupted session wrote after its last checkpoint, are dropped, as is a line that was cut short.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written.
    pub fn open(path: &Path, step: u64) -> Result<Self> {
        let text = match pidinet::files::read_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::Read { path: path.into(), source }),
        };
        let lines = text.lines().filter_map(|line| Some((line, serde_json::from_str(line).ok()?)));
        let kept: Vec<(&str, Record)> =
            lines.filter(|(_, record): &(_, Record)| record.step <= step).collect();
        let lines: String = kept.iter().flat_map(|(line, _)| [line, "\n"]).collect();
        pidinet::save::write_atomically(path, lines.as_bytes())?;
        let records = kept.into_iter().map(|(_, record)| record).collect();
        Ok(Self { path: path.into(), records })
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add(&mut self, record: &Record) -> Result<()> {
        self.records.push(record.clone());
        let file = std::fs::OpenOptions::new().append(true).create(true).open(&self.path);
        // Synced, because a later checkpoint may survive a power cut.
        file.and_then(|mut file| file.write_all(line(record).as_bytes()).and_then(|()| file.sync_data()))
            .map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// All lines.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

fn line(record: &Record) -> String {
    serde_json::to_string(record).expect("numbers are JSON") + "\n"
}
