//! `pidinet classify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::{Classification, Classifier};
use serde::Serialize;

use crate::classifier::{ClassifierArgs, read};
use crate::inputs::{self, Input};
use crate::ui::Batch;

/// Recognise what images show
///
/// Prints the most probable classes of each image with their probabilities, named by the labels in the model file.
/// If an image fails, the others are still processed, and the failures are listed at the end.
#[derive(clap::Args, Debug)]
pub(crate) struct Classify {
    /// Images, folders of images, patterns such as '*.jpg', or - for standard input
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    inputs: Vec<PathBuf>,

    #[command(flatten)]
    classifier: ClassifierArgs,

    /// Number of classes to print
    #[arg(short = 'k', long, value_name = "N", default_value = "1")]
    top: NonZeroUsize,

    /// Search folders recursively
    #[arg(short, long)]
    recursive: bool,

    /// Print one line of JSON per image
    #[arg(long)]
    json: bool,
}

/// What `--json` says about an image.
#[derive(Debug, Serialize)]
struct Record {
    input: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Class {
    class: usize,
    label: String,
    probability: f32,
}

impl Classify {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let found = inputs::find(&self.inputs, self.recursive)?;
        let classifier = self.classifier.open()?;
        let mut batch = Batch::new(found.failures.len() + found.images.len());
        found.failures.iter().for_each(|failure| batch.failed(failure));
        for input in &found.images {
            batch.progress().begin(input.name());
            match read(input) {
                Ok(image) => {
                    batch.deliver(&self.line(input, &classifier, &classifier.classify(&image)))?;
                    batch.done(None);
                }
                Err(error) => {
                    batch.failed(&error);
                    if self.json {
                        let error = Some(format!("{error:#}"));
                        batch.deliver(&json(&Record { input: input.name(), classes: Vec::new(), error }))?;
                    }
                }
            }
        }
        Ok(batch.end())
    }

    /// The output for an image.
    fn line(&self, input: &Input, classifier: &Classifier, found: &Classification) -> String {
        let class = |(class, probability)| Class { class, label: classifier.label(class), probability };
        let classes: Vec<Class> = found.top(self.top.get()).into_iter().map(class).collect();
        if self.json {
            return json(&Record { input: input.name(), classes, error: None });
        }
        let each = classes
            .iter()
            .map(|Class { label, probability, .. }| format!("{label} {:.1} %", 100.0 * probability));
        format!("{}: {}", input.name(), each.collect::<Vec<String>>().join(", "))
    }
}

fn json(record: &Record) -> String {
    serde_json::to_string(record).expect("texts and numbers are JSON")
}
