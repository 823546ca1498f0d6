//! Options for the model: a file, or a built-in one.

use std::path::{Path, PathBuf};

use pidinet::arch::Kinds;
use pidinet::models::{self, Pair};
use pidinet::weights::{Model, OpenOptions};

use crate::detail::{DetailArgs, PartnerArgs};
use crate::found::Found;
use crate::ui::usage;

/// The model to use.
#[derive(clap::Args, Debug)]
pub(crate) struct ModelArgs {
    /// Model file (.safetensors or a published .pth checkpoint) or name of a built-in model, see `pidinet models`
    /// [default: tiny]
    #[arg(short, long, value_name = "FILE|NAME")]
    model: Option<PathBuf>,

    /// Convolution of each layer, if the file does not say: a published configuration such as carv4, or a list of
    /// sixteen of cv, cd, ad, rd
    #[arg(long, value_name = "NAME")]
    config: Option<Kinds>,
}

impl ModelArgs {
    /// The file or name that was given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// Whether convolutions are named.
    pub(crate) fn has_config(&self) -> bool {
        self.config.is_some()
    }

    /// Where the model is.
    pub(crate) fn found(&self) -> anyhow::Result<Found> {
        match (&self.model, models::named(models::DEFAULT_NAME)) {
            (Some(name), _) => Found::named(name),
            (None, Some(model)) => Ok(Found::Embedded(model)),
            (None, None) => {
                Err(usage!("{} is not built into this program: choose a model with -m", models::DEFAULT_NAME))
            }
        }
    }

    /// Reads the edge model.
    pub(crate) fn open(&self) -> anyhow::Result<Model> {
        self.found()?.edges(&self.options())
    }

    /// Reads the edge model, at a detail if one was given.
    pub(crate) fn open_at(&self, detail: &DetailArgs) -> anyhow::Result<Model> {
        detail.model(&self.found()?, &self.options())
    }

    /// Reads the edge model and its partner.
    pub(crate) fn pair(&self, partner: &PartnerArgs) -> anyhow::Result<Pair> {
        partner.pair(&self.found()?, &self.options())
    }

    /// The options for opening it.
    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions { kinds: self.config, ..OpenOptions::default() }
    }
}
