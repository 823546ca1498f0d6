//! Settings that all runs share, and how their values are checked.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Steps and batches.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Train {
    /// Total number of optimiser steps. 0: as many as `epochs` need.
    pub steps: u64,
    /// Total minutes of training, whatever the number of steps; 0: no limit. The schedule then follows the
    /// clock, so the weights depend on the speed of the machine and are not reproducible bit for bit.
    pub minutes: f64,
    /// How often each image is used, if `steps` is 0.
    pub epochs: f64,
    /// Images a step. Their gradients are added, divided by this number.
    pub batch: usize,
    /// Steps between checkpoints; one is also written at the end.
    pub checkpoint_steps: u64,
}

impl Default for Train {
    fn default() -> Self {
        Self { steps: 0, minutes: 0.0, epochs: 20.0, batch: 4, checkpoint_steps: 500 }
    }
}

impl Train {
    pub(crate) fn check(&self) -> Result<()> {
        let Self { steps, minutes, epochs, batch, checkpoint_steps } = *self;
        check("train.batch", batch, (1..=4096).contains(&batch), "1 to 4096")?;
        check("train.minutes", minutes, minutes >= 0.0 && minutes.is_finite(), "at least 0")?;
        check("train.epochs", epochs, steps > 0 || (epochs > 0.0 && epochs.is_finite()), "above 0")?;
        check("train.checkpoint_steps", checkpoint_steps, checkpoint_steps > 0, "at least 1")
    }
}

/// An error unless `holds`.
pub(crate) fn check(
    field: &'static str,
    found: impl std::fmt::Display,
    holds: bool,
    expected: &str,
) -> Result<()> {
    if holds { Ok(()) } else { Err(invalid(field, found, expected.to_owned())) }
}

pub(crate) fn invalid(field: &'static str, found: impl std::fmt::Display, expected: String) -> Error {
    Error::Config { field, found: found.to_string(), expected }
}
