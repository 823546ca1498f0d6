//! `pidinet embed`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueHint;
use pidinet::save::{npy, write_atomically};

use crate::classifier::{ClassifierArgs, read};
use crate::inputs;
use crate::ui::{Batch, usage};

/// Compute feature vectors of images
///
/// A feature vector is the output of the last layer before the classifier, scaled to unit length: the dot product of
/// two vectors is the cosine similarity of the images. Prints the names of the images in the order of the rows.
#[derive(clap::Args, Debug)]
pub(crate) struct Embed {
    /// Images, folders of images, patterns such as '*.jpg', or - for standard input
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    inputs: Vec<PathBuf>,

    #[command(flatten)]
    classifier: ClassifierArgs,

    /// Output file: a float32 array of shape [images, features]
    #[arg(short, long, value_name = "FILE.npy", value_hint = ValueHint::FilePath)]
    output: PathBuf,

    /// Search folders recursively
    #[arg(short, long)]
    recursive: bool,
}

impl Embed {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        if self.output.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("npy")) {
            return Err(usage!("{}: expected a name that ends in .npy", self.output.display()));
        }
        let found = inputs::find(&self.inputs, self.recursive)?;
        let classifier = self.classifier.open()?;
        let mut batch = Batch::new(found.failures.len() + found.images.len());
        found.failures.iter().for_each(|failure| batch.failed(failure));
        let (mut rows, mut images) = (Vec::new(), 0);
        for input in &found.images {
            batch.progress().begin(input.name());
            match read(input) {
                Ok(image) => {
                    rows.extend(classifier.embed(&image));
                    images += 1;
                    batch.done(Some(&input.name()));
                }
                Err(error) => batch.failed(&error),
            }
        }
        if images > 0 {
            write_atomically(&self.output, &npy(&[images, rows.len() / images], &rows))?;
        }
        Ok(batch.end())
    }
}
