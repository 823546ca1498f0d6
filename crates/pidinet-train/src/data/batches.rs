//! Batches, prepared while the network computes.
//!
//! What is in a batch follows from the seed and its number alone: a run that goes on at step `n` gets the
//! batches that an undisturbed one would, and the number of loaders does not matter.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rand::seq::SliceRandom;

use super::Examples;
use super::augment::{Sample, generator};
use super::queue::Queue;
use crate::Error;
use crate::config::{Augment, Data};

/// Purposes of random numbers, see [`generator`].
const ORDER: u64 = 1;
const CHANGE: u64 = 2;

/// A batch, or what was wrong with some of its images.
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

/// What is taken, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// See [`crate::config::Config::seed`].
    pub seed: u64,
    /// Images a batch.
    pub batch: usize,
    /// What is done to them.
    pub augment: Augment,
    /// Labels and loaders.
    pub data: Data,
}

impl Plan {
    /// Which image is the `number`-th that is learnt from: every image once an epoch, in an order of its own.
    pub fn image(&self, images: usize, number: u64) -> usize {
        self.order(images, number / images as u64)[(number % images as u64) as usize]
    }

    fn order(&self, images: usize, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..images).collect();
        order.shuffle(&mut generator(self.seed, ORDER, epoch));
        order
    }

    /// Batch `number`, the first being 0.
    pub fn batch(&self, examples: &Examples, number: u64) -> Batch {
        let mut batch = Batch { samples: Vec::new(), failed: Vec::new() };
        for number in number * self.batch as u64..(number + 1) * self.batch as u64 {
            let image = self.image(examples.len(), number);
            let name = &examples.pair(image).id;
            match examples.get(image) {
                Ok(example) => {
                    let mut rng = generator(self.seed, CHANGE, number);
                    let sample = Sample::augmented(&example, &self.augment, &self.data, &mut rng, name);
                    batch.samples.push(sample);
                }
                Err(error) => batch.failed.push((name.clone(), error)),
            }
        }
        batch
    }
}

impl Batches {
    /// Starts to prepare the batches from number `first` on.
    pub fn start(examples: &Arc<Examples>, plan: &Plan, first: u64) -> Self {
        let (examples, plan) = (examples.clone(), plan.clone());
        let loaders = plan.data.loaders;
        Self(Queue::start(first, loaders, move |number| plan.batch(&examples, number)))
    }

    /// The next batch; `None` if `stop` becomes true before it is there.
    ///
    /// # Panics
    ///
    /// If a loader did.
    pub fn next(&mut self, stop: &AtomicBool) -> Option<Batch> {
        self.0.next(stop)
    }
}
