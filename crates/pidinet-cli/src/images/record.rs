//! What `--json` says about an image.

use pidinet::image::Damage;
use serde::Serialize;

use super::outputs::Job;

/// One line of JSON. In names that are not UTF-8, � replaces the invalid parts.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    input: String,
    output: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Done {
        width: usize,
        height: usize,
        /// What is wrong with the file, if `--accept-damaged` accepted it.
        #[serde(skip_serializing_if = "Option::is_none")]
        damaged: Option<String>,
        milliseconds: Milliseconds,
    },
    Skipped {
        skipped: bool,
    },
    Failed {
        error: String,
    },
}

/// Where the time went.
#[derive(Debug, Default, Serialize)]
pub(super) struct Milliseconds {
    /// From the file to pixels of the size that is processed.
    pub(super) decode: f64,
    /// From pixels to edges, over all scales.
    pub(super) network: f64,
    /// Suppression, thresholds, styles.
    pub(super) post: f64,
    /// From edges to files that are safely on disk.
    pub(super) write: f64,
}

impl Record {
    pub(super) fn done(
        job: &Job,
        (width, height): (usize, usize),
        damage: Option<Damage>,
        milliseconds: Milliseconds,
    ) -> Self {
        let damaged = damage.map(|damage| damage.to_string());
        Self::new(job, Outcome::Done { width, height, damaged, milliseconds })
    }

    pub(super) fn skipped(job: &Job) -> Self {
        Self::new(job, Outcome::Skipped { skipped: true })
    }

    pub(super) fn failed(job: &Job, error: &anyhow::Error) -> Self {
        Self::new(job, Outcome::Failed { error: format!("{error:#}") })
    }

    fn new(job: &Job, outcome: Outcome) -> Self {
        Self { input: job.input.name(), output: job.output.name(), outcome }
    }

    /// Adds to the time between the network and encoding.
    pub(super) fn add_post(&mut self, more: f64) {
        if let Outcome::Done { milliseconds, .. } = &mut self.outcome {
            milliseconds.post += more;
        }
    }

    /// Adds to the time that writing took.
    pub(super) fn add_write(&mut self, more: f64) {
        if let Outcome::Done { milliseconds, .. } = &mut self.outcome {
            milliseconds.write += more;
        }
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }
}
