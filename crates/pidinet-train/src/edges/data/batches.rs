//! Batches, prepared while the network computes.
//!
//! The content of a batch follows from the seed and its number alone: a run that resumes at step `n` gets
//! the same batches as an uninterrupted one, and the number of loaders does not matter.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Examples;
use super::shares::{self, Part};
use crate::edges::config::{Augment, Config, Phase};
use crate::edges::sample::Sample;
use crate::queue::Queue;
use crate::random::generator;
use crate::{Error, Result};

/// Purposes of random numbers, see [`generator`].
const CHANGE: u64 = 2;
const SCALE: u64 = 4;

/// A batch, and what was wrong with some of its images.
#[derive(Debug)]
pub struct Batch {
    /// The images that could be read.
    pub samples: Vec<Sample>,
    /// The others: name and reason.
    pub failed: Vec<(String, Error)>,
}

/// Prepares batch after batch in threads of its own.
#[derive(Debug)]
pub struct Batches(Queue<Batch>);

/// Which images are taken, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    config: Config,
    /// Total number of steps; if the clock decides, nothing changes over the run.
    steps: Option<u64>,
    parts: Vec<Part>,
}

impl Plan {
    /// The plan of a run with this many steps, if that is known.
    pub fn new(config: &Config, steps: Option<u64>) -> Self {
        let own: Vec<f64> = config.data.train.iter().filter_map(|material| material.share).collect();
        let phases = config.phase.iter().map(|phase| (phase.until, &phase.shares));
        let mut parts = vec![Part { first: 0, shares: own.clone() }];
        let mut first = 0;
        for (until, shares) in phases {
            let shares = if shares.is_empty() { own.clone() } else { shares.clone() };
            match parts.last_mut() {
                Some(last) if first == last.first => last.shares = shares,
                Some(last) if last.shares == shares => {}
                _ => parts.push(Part { first, shares }),
            }
            first = first_step(until, steps.unwrap_or(0)).saturating_mul(config.train.batch as u64);
        }
        Self { config: config.clone(), steps, parts }
    }

    /// The phase of a step, if there are phases.
    fn phase(&self, step: u64) -> Option<&Phase> {
        Phase::at(&self.config.phase, self.done(step)).map(|phase| &self.config.phase[phase])
    }

    /// The share of the run that is done before a step.
    fn done(&self, step: u64) -> f64 {
        self.steps.map_or(0.0, |steps| step as f64 / steps as f64)
    }

    /// Batch `number`, the first being 0.
    pub fn batch(&self, examples: &Examples, number: u64) -> Batch {
        let Config { augment, distil, train, .. } = &self.config;
        let mut augment = self.phase(number).map_or(*augment, |phase| phase.augment(augment));
        if augment.crop == 0 {
            // So that threads, which compute an image each, are ready at the same time.
            let scale = augment.scale(&mut generator(self.config.seed, SCALE, number));
            (augment.scale_min, augment.scale_max) = (scale, scale);
        }
        let trust = distil.trust.at(self.done(number));
        let mut batch = Batch { samples: Vec::new(), failed: Vec::new() };
        let sources = examples.ranges();
        for number in number * train.batch as u64..(number + 1) * train.batch as u64 {
            let image = shares::image(self.config.seed, &sources, &self.parts, number);
            match self.sample(examples, image, &augment, trust, number) {
                Ok(sample) => batch.samples.push(sample),
                Err(error) => batch.failed.push((examples.pair(image).id.clone(), error)),
            }
        }
        batch
    }

    /// The sample that is number `number` in the run.
    fn sample(
        &self,
        examples: &Examples,
        image: usize,
        augment: &Augment,
        trust: f32,
        number: u64,
    ) -> Result<Sample> {
        let example = examples.get(image)?;
        let trust = trust * examples.trust(image);
        let map = if trust > 0.0 { examples.taught(image, &example)? } else { None };
        let taught = map.as_ref().map(|map| (&map[..], trust));
        let mut rng = generator(self.config.seed, CHANGE, number);
        Ok(Sample::augmented(&example, taught, augment, &mut rng, &examples.pair(image).id))
    }
}

/// The first step before which a share of `until` is done, as [`Phase::at`] sees it.
fn first_step(until: f64, steps: u64) -> u64 {
    let near = (until * steps as f64) as u64;
    let first =
        (near.saturating_sub(2)..=near.saturating_add(2)).find(|&step| step as f64 / steps as f64 >= until);
    first.unwrap_or(near)
}

impl Batches {
    /// Starts to prepare the batches from number `first` on.
    pub fn start(examples: &Arc<Examples>, plan: &Plan, first: u64) -> Self {
        let (examples, plan) = (examples.clone(), plan.clone());
        let loaders = plan.config.data.loaders;
        Self(Queue::start(first, loaders, move |number| plan.batch(&examples, number)))
    }

    /// The next batch; `None` if `stop` becomes true before it is ready.
    ///
    /// # Panics
    ///
    /// If a loader panicked.
    pub fn next(&mut self, stop: &AtomicBool) -> Option<Batch> {
        self.0.next(stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_begins_with_its_phase_however_long_the_run() {
        for steps in [1, 3, 7, 10, 997, 84_000, u64::MAX] {
            for until in [0.1, 0.3, 1.0 / 3.0, 0.7, 0.85] {
                let first = first_step(until, steps);
                let done = |step: u64| step as f64 / steps as f64;
                assert!(done(first) >= until, "{until} of {steps}");
                assert!(steps > 1 << 50 || first == 0 || done(first - 1) < until, "{until} of {steps}");
            }
        }
        let mut config =
            Config { phase: vec![Phase { until: 0.5, ..Phase::default() }], ..Config::default() };
        config.phase.push(Phase { shares: vec![1.0, 0.0], ..Phase::default() });
        config.train.batch = 4096;
        assert_eq!(Plan::new(&config, Some(u64::MAX)).parts.len(), 2);
        let first = |steps| Plan::new(&config, Some(steps)).parts[1].first;
        assert_eq!([first(3), first(10)], [2 * 4096, 5 * 4096]);
    }
}
