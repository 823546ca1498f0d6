//! `summary.json`: the scores of a run and everything needed to repeat it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::edges::curve::Point;
use crate::edges::evaluate::{EvaluateOptions, Times};
use crate::edges::score::Scores;

/// A finished evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What was evaluated.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Number of images.
    pub images: usize,
    /// Scores at the best threshold for the whole data set.
    pub ods: Point,
    /// Scores with the best threshold for each image; `threshold` is their mean.
    pub ois: Point,
    /// Average precision: the mean over recalls.
    pub ap: f64,
    /// Recall at precision 0.5.
    pub r50: f64,
    /// Scores without suppression, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crispness: Option<Crispness>,
    /// How it was evaluated.
    pub options: EvaluateOptions,
    /// The time of each stage.
    pub seconds: Seconds,
}

/// Scores of the same maps without suppression, and their share of those with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crispness {
    /// As [`Summary::ods`].
    pub ods: Point,
    /// As [`Summary::ois`].
    pub ois: Point,
    /// As [`Summary::ap`].
    pub ap: f64,
    /// Scores without suppression divided by those with it.
    pub ratio: Ratio,
}

/// Shares of the scores with suppression.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Of the F of ODS.
    pub ods: f64,
    /// Of the F of OIS.
    pub ois: f64,
    /// Of AP.
    pub ap: f64,
}

/// Times in seconds: of the stages, summed over threads, and of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Detecting edges, or reading them.
    pub edges: f64,
    /// Non-maximum suppression.
    pub suppress: f64,
    /// Binarisation and thinning.
    pub thin: f64,
    /// Matching.
    pub matching: f64,
    /// The whole run, including reading and writing.
    pub elapsed: f64,
    /// Images whose counts come from an earlier run and take no time in this one.
    pub resumed: usize,
}

impl Summary {
    /// The summary of a run.
    pub fn new(
        name: String,
        scores: &Scores,
        options: &EvaluateOptions,
        images: usize,
        seconds: Seconds,
    ) -> Self {
        Self {
            name,
            version: env!("CARGO_PKG_VERSION").into(),
            images,
            ods: scores.ods,
            ois: scores.ois,
            ap: scores.ap,
            r50: scores.r50,
            crispness: None,
            options: options.clone(),
            seconds,
        }
    }
}

impl Crispness {
    /// The scores of the same maps without suppression beside those with it.
    pub fn new(without: &Scores, with: &Scores) -> Self {
        let ratio = |without: f64, with: f64| if with > 0.0 { without / with } else { 0.0 };
        Self {
            ods: without.ods,
            ois: without.ois,
            ap: without.ap,
            ratio: Ratio {
                ods: ratio(without.ods.f, with.ods.f),
                ois: ratio(without.ois.f, with.ois.f),
                ap: ratio(without.ap, with.ap),
            },
        }
    }
}

impl Seconds {
    /// The times of the stages, and of the work around them.
    pub fn new(edges: Duration, stages: &Times, elapsed: Duration, resumed: usize) -> Self {
        Self {
            edges: edges.as_secs_f64(),
            suppress: stages.suppress.as_secs_f64(),
            thin: stages.thin.as_secs_f64(),
            matching: stages.matching.as_secs_f64(),
            elapsed: elapsed.as_secs_f64(),
            resumed,
        }
    }
}
