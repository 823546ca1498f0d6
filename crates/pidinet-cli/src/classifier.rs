//! Options for the classifier and how to run it, and reading its images.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueHint;
use pidinet::files::{MOST_STREAM, read_all};
use pidinet::image::{Image, ImageLimits};
use pidinet::{Classifier, ClassifierOptions, Isa};

use crate::found::Found;
use crate::inputs::{Input, Source};

/// The classifier to use.
#[derive(clap::Args, Debug)]
pub(crate) struct ClassifierArgs {
    /// Recognition model: a Bi-PiDiNet file (float or packed) or the name of a built-in model
    #[arg(short, long, value_name = "FILE|NAME", value_hint = ValueHint::FilePath)]
    model: PathBuf,

    /// Number of threads [default: one per core]
    #[arg(short = 'j', long, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// Instruction set: portable, avx2, avxvnni, avx512, neon or simd128 [default: $PIDINET_ISA, else the
    /// best available]
    #[arg(long, value_name = "NAME", value_parser = Isa::named)]
    isa: Option<Isa>,
}

impl ClassifierArgs {
    /// How many threads were asked for.
    pub(crate) fn threads(&self) -> Option<NonZeroUsize> {
        self.threads
    }

    /// Reads the model.
    pub(crate) fn open(&self) -> anyhow::Result<Classifier> {
        let options = ClassifierOptions { threads: self.threads, isa: self.isa };
        Ok(Classifier::new(&Found::named(&self.model)?.recognition()?, &options)?)
    }
}

/// Reads an image.
pub(crate) fn read(input: &Input) -> anyhow::Result<Image> {
    let limits = ImageLimits::default();
    match &input.source {
        Source::File(path) => Ok(Image::open(path, &limits)?),
        Source::Stdin => {
            let bytes =
                read_all(std::io::stdin().lock(), MOST_STREAM).context("cannot use standard input")?;
            Image::decode(&bytes, &limits).context("cannot use standard input")
        }
    }
}
