//! How long and how fast a network learns: options for all kinds of training.

use pidinet_train::schedule::Schedule;
use pidinet_train::settings::Train;

/// Steps, batches and rates.
#[derive(clap::Args, Debug)]
#[group(id = "pace", multiple = true)]
pub(super) struct Pace {
    /// Number of passes over the training data
    #[arg(long, value_name = "N", conflicts_with_all = ["steps", "minutes"])]
    epochs: Option<f64>,

    /// Number of optimiser steps
    #[arg(long, value_name = "N", conflicts_with = "minutes")]
    steps: Option<u64>,

    /// Minutes to train: the schedule follows the clock, so the weights depend on the machine
    #[arg(long, value_name = "N")]
    minutes: Option<f64>,

    /// Batch size
    #[arg(long, value_name = "N")]
    batch: Option<usize>,

    /// Peak learning rate
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,

    /// Random seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Pace {
    /// Applies the options that were given.
    pub(super) fn apply(&self, train: &mut Train, schedule: &mut Schedule, seed: &mut u64) {
        if let Some(epochs) = self.epochs {
            (train.epochs, train.steps, train.minutes) = (epochs, 0, 0.0);
        }
        if let Some(steps) = self.steps {
            (train.steps, train.minutes) = (steps, 0.0);
        }
        if let Some(minutes) = self.minutes {
            train.minutes = minutes;
        }
        train.batch = self.batch.unwrap_or(train.batch);
        schedule.rate = self.rate.unwrap_or(schedule.rate);
        *seed = self.seed.unwrap_or(*seed);
    }
}
