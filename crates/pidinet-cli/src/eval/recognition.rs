//! `pidinet eval recognition`: the share of images recognised correctly.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::Classifier;
use pidinet::image::Image;
use pidinet::save::write_atomically;
use pidinet_eval::classes::{ClassSet, Confusion};
use rayon::prelude::*;
use serde::Serialize;

use crate::classifier::ClassifierArgs;
use crate::options::with_threads;
use crate::ui::{Batch, tell_line, usage};

/// Images that are read and recognised together.
const TOGETHER: usize = 256;

/// Measure the accuracy of a recognition model
///
/// Reads one folder of images per class, or the binary batches of CIFAR-10 or CIFAR-100, either of them plain or in a
/// .tar or .tar.gz archive. Classes are matched with the model's labels by name, or by order if it has no labels.
#[derive(clap::Args, Debug)]
pub(crate) struct Recognition {
    #[command(flatten)]
    classifier: ClassifierArgs,

    /// Folder or archive (.tar, .tar.gz) of images
    #[arg(long, value_name = "FOLDER|ARCHIVE", value_hint = ValueHint::AnyPath)]
    data: PathBuf,

    /// Split to use: the folder above the class folders, such as test [default: all]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,

    /// Folder for the confusion matrix: confusion.csv and confusion.png
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The results; shares are from 0 to 1.
#[derive(Debug, Serialize)]
struct Report {
    top1: f64,
    top5: f64,
    images: u64,
}

impl Recognition {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        with_threads(self.classifier.threads(), || self.count())
    }

    fn count(&self) -> anyhow::Result<ExitCode> {
        let classifier = self.classifier.open()?;
        let data = ClassSet::open(&self.data, self.split.as_deref())?;
        let classes = matched(&classifier, &data)?;
        let names = (0..classifier.classes()).map(|class| classifier.label(class)).collect();
        let mut confusion = Confusion::new(names);
        let mut batch = Batch::new(data.len());
        for start in (0..data.len()).step_by(TOGETHER) {
            let range = start..data.len().min(start + TOGETHER);
            let read: Vec<pidinet_eval::Result<Image>> =
                range.clone().into_par_iter().map(|image| data.image(image)).collect();
            let (mut truths, mut images) = (Vec::new(), Vec::new());
            for (number, image) in range.zip(read) {
                match image {
                    Ok(image) => {
                        truths.push(classes[data.class(number)]);
                        images.push(image);
                    }
                    Err(error) => batch.failed(&error.into()),
                }
            }
            for (truth, found) in truths.into_iter().zip(classifier.classify_all(&images)) {
                confusion.add(truth, &found);
                batch.done(None);
            }
        }
        if confusion.images() > 0 {
            self.report(&confusion)?;
        }
        Ok(batch.end())
    }

    fn report(&self, confusion: &Confusion) -> anyhow::Result<()> {
        let report = Report { top1: confusion.top1(), top5: confusion.top5(), images: confusion.images() };
        if let Some(folder) = &self.out {
            std::fs::create_dir_all(folder)?;
            write_atomically(folder.join("confusion.csv"), confusion.csv().as_bytes())?;
            confusion.figure().save(&folder.join("confusion.png"))?;
        }
        if self.json {
            tell_line(&serde_json::to_string(&report)?);
        } else {
            let Report { top1, top5, images } = report;
            tell_line(&format!("{images} images: top-1 {:.2} %, top-5 {:.2} %", 100.0 * top1, 100.0 * top5));
        }
        Ok(())
    }
}

/// The model's class for each class of the data.
fn matched(classifier: &Classifier, data: &ClassSet) -> anyhow::Result<Vec<usize>> {
    let labels = classifier.labels();
    let (own, theirs) = (classifier.classes(), data.classes());
    let same = |name: &String| labels.iter().position(|label| label.eq_ignore_ascii_case(name));
    if let Some(classes) = theirs.iter().map(same).collect::<Option<Vec<usize>>>() {
        return Ok(classes);
    }
    if labels.is_empty() && theirs.len() == own {
        return Ok((0..own).collect());
    }
    let unknown = theirs.iter().find(|name| same(name).is_none()).expect("not all are known");
    Err(usage!(
        "the data has {} classes, among them {unknown}, but the model has {own} {}",
        theirs.len(),
        if labels.is_empty() { "without names" } else { "with other names" }
    ))
}
