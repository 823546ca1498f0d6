//! `pidinet verify`: face verification.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ValueHint;
use pidinet::Classifier;
use pidinet::image::{Image, ImageLimits};
use pidinet::recognition::unit;
use pidinet_eval::faces::{PairList, Verification, roc, verify};
use serde::Serialize;

use crate::classifier::ClassifierArgs;
use crate::ui::{Batch, print_line};

/// Evaluate face verification: do two images show the same person?
#[derive(clap::Args, Debug)]
pub(crate) struct Verify {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Pairs(Pairs),
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Pairs(command) => command.run(),
        }
    }
}

/// Evaluate pairs by the protocol of Labeled Faces in the Wild or YouTube Faces
///
/// Similarity is the cosine of two feature vectors; a video is represented by the mean over its frames. Each fold is
/// scored at the threshold that is best on the other folds. Prints the mean accuracy over the folds and its standard
/// error.
#[derive(clap::Args, Debug)]
struct Pairs {
    #[command(flatten)]
    classifier: ClassifierArgs,

    /// List of pairs: LFW's pairs.txt, or YouTube Faces' splits.txt
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pairs: PathBuf,

    /// Folder of the images: NAME/NAME_0001.jpg, or folders of frames
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data: PathBuf,

    /// Plot the ROC curve, as .svg or .png
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    roc: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The output of `--json`; shares are from 0 to 1.
#[derive(Debug, Serialize)]
struct Report {
    accuracy: f64,
    standard_error: f64,
    area: f64,
    pairs: usize,
    folds: Vec<f64>,
}

impl Pairs {
    fn run(self) -> anyhow::Result<ExitCode> {
        let list = PairList::open(&self.pairs)?;
        let classifier = self.classifier.open()?;
        let vectors = self.vectors(&classifier, &list)?;
        let similarities: Vec<f32> = list
            .pairs
            .iter()
            .map(|pair| {
                let [a, b] = pair.sides.each_ref().map(|side| &vectors[side]);
                a.iter().zip(b).map(|(a, b)| a * b).sum()
            })
            .collect();
        let Verification { folds, accuracy, standard_error, .. } = verify(&list, &similarities);
        let (figure, area) = roc(&list, &similarities);
        if let Some(path) = &self.roc {
            figure.save(path)?;
        }
        let pairs = list.pairs.len();
        if self.json {
            let report = Report { accuracy, standard_error, area, pairs, folds };
            print_line(&serde_json::to_string(&report)?)?;
        } else {
            print_line(&format!(
                "{pairs} pairs in {} folds: {:.2} % ± {:.2} %, area under the curve {area:.4}",
                folds.len(),
                100.0 * accuracy,
                100.0 * standard_error
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The feature vectors of everything in the pairs.
    fn vectors(
        &self,
        classifier: &Classifier,
        list: &PairList,
    ) -> anyhow::Result<BTreeMap<PathBuf, Vec<f32>>> {
        let mut vectors = BTreeMap::new();
        let sides = list.pairs.iter().flat_map(|pair| &pair.sides);
        let all: std::collections::BTreeSet<&PathBuf> = sides.collect();
        let batch = Batch::new(all.len());
        for side in all {
            batch.progress().begin(side.display().to_string());
            vectors.insert(side.clone(), vector(classifier, &self.data.join(side))?);
            batch.done(None);
        }
        batch.end();
        Ok(vectors)
    }
}

/// The feature vector of an image, or the mean of those in a folder.
fn vector(classifier: &Classifier, path: &Path) -> anyhow::Result<Vec<f32>> {
    let open = |path: &Path| Image::open(path, &ImageLimits::default());
    if !path.is_dir() {
        return Ok(classifier.embed(&open(path)?));
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut frames = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
    let is_hidden =
        |frame: &Path| frame.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    frames.retain(|frame| {
        !frame.is_dir() && !is_hidden(frame) && frame.file_name() != Some("Thumbs.db".as_ref())
    });
    frames.sort();
    if frames.is_empty() {
        bail!("no frames in folder {}", path.display());
    }
    let images = frames.iter().map(|frame| open(frame)).collect::<pidinet::Result<Vec<Image>>>()?;
    let vectors = classifier.classify_all(&images).into_iter().map(|found| unit(found.features));
    let sum = vectors.reduce(|sum, vector| sum.iter().zip(vector).map(|(a, b)| a + b).collect());
    Ok(unit(sum.expect("there is a frame")))
}
