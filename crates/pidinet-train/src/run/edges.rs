//! Learning to find edges.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pidinet::weights::{Model, ModelInfo, OpenOptions};

use super::lesson::{Learnt, Lesson, Validated};
use super::memory;
use super::validate::Validation;
use crate::data::Examples;
use crate::data::batches::{Batches, Plan};
use crate::device::Device;
use crate::loss::Loss;
use crate::optimizer::State;
use crate::trainer::{Trainer, check_loss};
use crate::{Config, Error, Result};

/// An edge network, and images with truth.
#[derive(Debug)]
pub(super) struct Edges<'a> {
    config: &'a Config,
    trainer: Trainer,
    examples: Arc<Examples>,
    validation: Option<Validation>,
    batches: Option<Batches>,
}

impl<'a> Edges<'a> {
    pub(super) fn open(config: &'a Config, device: &dyn Device) -> Result<Self> {
        let arch = config.model.arch()?;
        memory::check(&arch, config)?;
        let examples = Arc::new(Examples::open(&config.data.train, config.data.cache_mib << 20)?);
        let mut trainer = Trainer::new(&arch, config.seed, device);
        trainer.freeze(&config.model.freeze);
        Ok(Self { config, trainer, examples, validation: Validation::open(config)?, batches: None })
    }
}

impl Lesson for Edges<'_> {
    const DECIDES: &'static str = "ods";

    fn images(&self) -> usize {
        self.examples.len()
    }

    fn training_data(&self) -> String {
        self.config.data.train.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    fn state(&self) -> (&[f32], &State) {
        (&self.trainer.parameters, &self.trainer.state)
    }

    fn restore(&mut self, parameters: Vec<f32>, state: State) {
        (self.trainer.parameters, self.trainer.state) = (parameters, state);
    }

    fn begin(&mut self) -> Result<()> {
        let Some(start) = &self.config.model.start else { return Ok(()) };
        let model = Model::open(start, &OpenOptions::default())?;
        self.trainer.start_from(&model).map_err(|found| Error::Checkpoint {
            path: start.clone(),
            found,
            expected: "a raw model of the same architecture".to_owned(),
        })
    }

    fn prepare(&mut self, step: u64) {
        let Config { seed, train, augment, data, .. } = self.config;
        let plan = Plan { seed: *seed, batch: train.batch, augment: *augment, data: data.clone() };
        self.batches = Some(Batches::start(&self.examples, &plan, step));
    }

    fn learn(&mut self, step: u64, _done: f64, rate: f64, stop: &AtomicBool) -> Result<Option<Learnt>> {
        let Config { train, data, optimizer, .. } = self.config;
        let batches = self.batches.as_mut().expect("a run prepares its lesson");
        let Some(batch) = batches.next(stop) else { return Ok(None) };
        if batch.samples.is_empty() {
            return Ok(Some(Learnt { failed: batch.failed, ..Learnt::default() }));
        }
        let loss = Loss { lambda: data.lambda, soft: data.soft };
        let divisor = train.batch as f32;
        let Some((total, gradients)) =
            self.trainer.differentiate_until(stop, &loss, &batch.samples, divisor)?
        else {
            return Ok(None);
        };
        check_loss(total, &gradients, step + 1, &batch.samples)?;
        self.trainer.step(optimizer, rate, train.average, &gradients);
        Ok(Some(Learnt { loss: total, images: batch.samples.len() as u64, failed: batch.failed }))
    }

    fn validate(&mut self, pictures: &Path, stop: &AtomicBool) -> Result<Validated> {
        let Some(validation) = &self.validation else { return Ok(Validated::Nothing) };
        let scores = validation.run(self.config, &self.trainer, pictures, stop)?;
        Ok(scores.map_or(Validated::Stopped, Validated::Scores))
    }

    fn save(&self, path: &Path, info: ModelInfo) -> Result<()> {
        Ok(self.trainer.model(info).save(path)?)
    }
}
