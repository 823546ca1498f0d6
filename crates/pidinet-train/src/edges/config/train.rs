//! Steps and batches, and the average of the weights.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::settings::{self, check};

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
    /// Weights are averaged over the run with this decay; the average is what is saved. 0: the last weights.
    pub average: f32,
    /// Steps between checkpoints; one is also written at the end.
    pub checkpoint_steps: u64,
}

impl Default for Train {
    fn default() -> Self {
        settings::Train::default().into()
    }
}

impl From<settings::Train> for Train {
    /// Steps and batches with the default average.
    fn from(train: settings::Train) -> Self {
        let settings::Train { steps, minutes, epochs, batch, checkpoint_steps } = train;
        Self { steps, minutes, epochs, batch, average: 0.999, checkpoint_steps }
    }
}

impl Train {
    /// The settings that all runs have.
    pub fn settings(&self) -> settings::Train {
        let Self { steps, minutes, epochs, batch, checkpoint_steps, .. } = *self;
        settings::Train { steps, minutes, epochs, batch, checkpoint_steps }
    }

    pub(super) fn check(&self) -> Result<()> {
        let average = self.average;
        check("train.average", average, (0.0..1.0).contains(&average), "at least 0, below 1")?;
        self.settings().check()
    }
}
