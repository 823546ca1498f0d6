//! `--detail`: how much counts as an edge, between a boundary model and its partner.

use std::path::{Path, PathBuf};

use pidinet::models::{self, Pair};
use pidinet::weights::{Model, OpenOptions};

use crate::found::Found;
use crate::ui::usage;

/// One detail.
#[derive(clap::Args, Debug)]
pub(crate) struct DetailArgs {
    /// Level of detail, from 0 (object boundaries only: tiny by itself) to 1 (every edge: tiny-edges); likewise from
    /// small to small-edges (`-m small`) and from full to full-edges (`-m full`). Values between interpolate the
    /// parameters of the two models; try 0.5 if windows, leaves or letters are missing. A model file needs a partner,
    /// see --detail-model and `pidinet mix` [default: 0, the model by itself]
    #[arg(long, value_name = "0..1", value_parser = detail)]
    detail: Option<f64>,

    #[command(flatten)]
    partner: PartnerArgs,
}

/// The model to mix with.
#[derive(clap::Args, Debug)]
pub(crate) struct PartnerArgs {
    /// Model at detail 1: a file or a name, fine-tuned from the model at detail 0 [default: the model's partner, see
    /// `pidinet models`]
    #[arg(long, value_name = "FILE|NAME", requires = "detail")]
    detail_model: Option<PathBuf>,
}

/// Reads a detail.
pub(crate) fn detail(text: &str) -> Result<f64, String> {
    let detail = text.trim().parse().ok().filter(|detail| (0.0..=1.0).contains(detail));
    detail.ok_or_else(|| "expected a number from 0 (boundaries) to 1 (every edge)".to_owned())
}

impl DetailArgs {
    /// Whether a detail was given.
    pub(crate) fn is_given(&self) -> bool {
        self.detail.is_some()
    }

    /// The file or name of the partner that was given.
    pub(crate) fn partner(&self) -> Option<&Path> {
        self.partner.file()
    }

    /// Reads an edge model, and mixes it with its partner if a detail was given.
    pub(crate) fn model(&self, found: &Found, options: &OpenOptions) -> anyhow::Result<Model> {
        match self.detail {
            Some(detail) => Ok(self.partner.pair(found, options)?.at(detail)?),
            None => found.edges(options),
        }
    }
}

impl PartnerArgs {
    /// The file or name that was given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.detail_model.as_deref()
    }

    /// Reads an edge model and its partner.
    pub(crate) fn pair(&self, found: &Found, options: &OpenOptions) -> anyhow::Result<Pair> {
        let boundaries = found.edges(options)?;
        let edges = match (&self.detail_model, found) {
            (Some(partner), _) => Found::named(partner)?.edges(options)?,
            (None, Found::Embedded(model)) if model.partner().is_some() => {
                return Ok(models::pair(model.name)?);
            }
            (None, found) => {
                let pairs: Vec<&str> = models::pairs().map(|model| model.name).collect();
                let pairs = if pairs.is_empty() { String::new() } else { format!(" ({})", pairs.join(", ")) };
                return Err(usage!(
                    "{found} has no partner to interpolate with: use the first model of a pair{pairs}, name a partner \
                     with --detail-model, or mix two models with `pidinet mix`"
                ));
            }
        };
        Ok(Pair::new(boundaries, edges)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_read() {
        assert_eq!((detail("0"), detail("1"), detail(".25")), (Ok(0.0), Ok(1.0), Ok(0.25)));
        for wrong in ["", "-0.1", "1.01", "NaN", "inf", "half"] {
            assert!(detail(wrong).is_err(), "{wrong}");
        }
    }
}
