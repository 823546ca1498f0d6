//! A run that trains a network to find edges; its folder is like that of any other [run](crate::run).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pidinet::weights::ModelInfo;

use super::config::{Config, Phase};
use super::data::Examples;
use super::data::batches::{Batches, Plan};
use super::data::teacher::Teacher;
use super::loss::Loss;
use super::trainer::{Trainer, check_loss};
use super::validate::Validation;
use super::widen::widened;
use super::{memory, start};
use crate::device::Device;
use crate::device::check::check;
use crate::learner::Learner;
use crate::random::generator;
use crate::run::lesson::{Learnt, Lesson, Rules, Validated};
use crate::run::{Event, Outcome, RunOptions, run};
use crate::{Error, Result};

/// Purpose of random numbers, see [`generator`].
const WIDEN: u64 = 5;

/// Trains a network to find edges, as `config` says.
///
/// # Errors
///
/// If the configuration, the data or the folder cannot be used, or the loss stops being a number.
/// Everything saved before stays.
pub fn train(config: &Config, options: &RunOptions<'_>, tell: impl FnMut(&Event)) -> Result<Outcome> {
    config.check()?;
    let rules = Rules {
        config: config.to_toml(),
        says_same: &|text| Config::parse(text).is_ok_and(|other| other == *config),
        train: config.train.settings(),
        rate: &|done| {
            let phase = Phase::at(&config.phase, done).map(|phase| &config.phase[phase]);
            config.schedule.rate(done) * phase.map_or(1.0, |phase| phase.rate)
        },
        seed: config.seed,
        validation_epochs: config.validation.epochs,
        skip: config.data.skip,
    };
    run(Edges::open(config, options.device)?, rules, options, tell)
}

/// An edge network, and images with truth.
#[derive(Debug)]
struct Edges<'a> {
    config: &'a Config,
    trainer: Trainer,
    examples: Arc<Examples>,
    validation: Option<Validation>,
    batches: Option<Batches>,
}

impl<'a> Edges<'a> {
    fn open(config: &'a Config, device: &dyn Device) -> Result<Self> {
        let arch = config.model.arch()?;
        memory::check(&arch, config)?;
        let teacher = Teacher::open(&config.distil)?;
        let examples = Arc::new(Examples::open(&config.data.train, &config.data, teacher)?);
        let validation = Validation::open(config)?;
        check(device, &arch)?;
        let mut trainer = Trainer::new(&arch, config.seed, device);
        trainer.learner.freeze(&config.model.freeze);
        Ok(Self { config, trainer, examples, validation, batches: None })
    }
}

impl Lesson for Edges<'_> {
    const DECIDES: &'static str = "ods";

    fn images(&self) -> usize {
        self.examples.len()
    }

    fn training_data(&self) -> String {
        let sources = self.config.data.train.iter().zip(self.examples.counts());
        sources.map(|(source, count)| format!("{source}: {count} images")).collect::<Vec<_>>().join(", ")
    }

    fn learner(&self) -> &Learner {
        &self.trainer.learner
    }

    fn learner_mut(&mut self) -> &mut Learner {
        &mut self.trainer.learner
    }

    fn begin(&mut self) -> Result<()> {
        let Some(name) = &self.config.model.start else { return Ok(()) };
        let Config { model, seed, .. } = self.config;
        let start = widened(start::model(name)?, &model.arch()?, generator(*seed, WIDEN, 0));
        self.trainer.start_from(&start).map_err(|found| Error::Checkpoint {
            path: name.clone(),
            found,
            expected: "a raw model of the same architecture, or of fewer channels".to_owned(),
        })
    }

    fn prepare(&mut self, step: u64, steps: Option<u64>) {
        self.batches = Some(Batches::start(&self.examples, &Plan::new(self.config, steps), step));
    }

    fn learn(&mut self, step: u64, done: f64, rate: f64, stop: &AtomicBool) -> Result<Option<Learnt>> {
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
        let phase = Phase::at(&self.config.phase, done).map(|phase| &self.config.phase[phase]);
        let average = phase.and_then(|phase| phase.average).unwrap_or(train.average);
        self.trainer.step(optimizer, rate, average, &gradients);
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
