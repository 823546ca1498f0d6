//! A training run: a folder with everything that is needed to trust it.
//!
//! | file | what |
//! |---|---|
//! | `config.toml` | the configuration, defaults filled in |
//! | `checkpoint.safetensors` | to go on from |
//! | `model.safetensors` | the averaged weights, for `pidinet detect` |
//! | `best.safetensors` | those of the greatest validation ODS, the first of equal ones |
//! | `metrics.jsonl` | one line for each epoch and validation |
//! | `run.html` | curves, numbers and predictions, to look at |
//! | `loss.png`, `rate.png`, `scores.png` | the curves as pictures |
//! | `predictions/STEP/` | some validation images as the network saw them then |

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pidinet::save::SaveOptions;
use pidinet::weights::{Model, ModelInfo, OpenOptions};
use pidinet_eval::raster::raster;

use crate::checkpoint::{Checkpoint, Position};
use crate::data::Examples;
use crate::data::batches::{Batch, Batches, Plan};
use crate::device::Device;
use crate::loss::Loss;
use crate::trainer::{Trainer, check_loss};
use crate::{Config, Error, Result};

mod metrics;
mod page;
mod validate;

pub use metrics::{Metrics, Record, Scores};

use validate::Validation;

/// Where a run lives and how it is controlled.
#[derive(Debug)]
pub struct Options<'a> {
    /// The folder of the run; made if it is missing.
    pub folder: PathBuf,
    /// Whether to go on from the checkpoint in the folder, if there is one.
    pub resume: bool,
    /// Where the network computes.
    pub device: &'a dyn Device,
    /// Becomes true when the run should save and end.
    pub stop: &'a AtomicBool,
}

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run begins or goes on.
    Started {
        /// Images that are learnt from.
        images: usize,
        /// Number of parameters.
        parameters: usize,
        /// Steps done before.
        step: u64,
        /// Steps in all, if that is known.
        steps: Option<u64>,
    },
    /// A step was done.
    Step {
        /// Steps done.
        step: u64,
        /// Share of the run that is done.
        done: f64,
        /// Loss of the batch, for each image.
        loss: f64,
        /// Images a second, since the run began or went on.
        speed: f64,
        /// Seconds left, if all goes on like this.
        left: f64,
    },
    /// An image could not be used.
    Skipped {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A line was added to the metrics.
    Recorded(Record),
    /// A checkpoint was written.
    Saved {
        /// Steps done.
        step: u64,
    },
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Where it is.
    pub position: Position,
    /// Whether all steps are done.
    pub finished: bool,
    /// The averaged weights.
    pub model: PathBuf,
}

/// A run that is under way.
struct Run<'a> {
    config: &'a Config,
    options: &'a Options<'a>,
    trainer: Trainer,
    examples: Arc<Examples>,
    validation: Option<Validation>,
    position: Position,
    metrics: Metrics,
    session: Session,
}

/// The time since the run began or went on.
struct Session {
    start: Instant,
    /// Steps done before.
    first: u64,
    /// Seconds spent before.
    before: f64,
    /// Share of the run that was done before.
    done: f64,
}

/// Trains as `config` says.
///
/// # Errors
///
/// If the configuration, the data or the folder cannot be used, or the loss stops being a number. What was
/// saved before stays.
pub fn train(config: &Config, options: &Options<'_>, mut tell: impl FnMut(&Event)) -> Result<Outcome> {
    config.check()?;
    let mut run = Run::begin(config, options)?;
    let tell: &mut dyn FnMut(&Event) = &mut tell;
    tell(&Event::Started {
        images: run.examples.len(),
        parameters: run.trainer.parameters.len(),
        step: run.session.first,
        steps: run.steps(),
    });
    let mut batches = run.batches();
    while run.done() < 1.0 && !options.stop.load(Ordering::Relaxed) {
        run.step(batches.next(), tell)?;
        let saved = run.position.step.is_multiple_of(config.train.checkpoint_steps);
        if run.measure(tell)? || saved {
            run.save(tell)?;
        }
    }
    run.save(tell)?;
    let finished = run.done() >= 1.0;
    Ok(Outcome { position: run.position, finished, model: options.folder.join(MODEL) })
}

impl<'a> Run<'a> {
    fn begin(config: &'a Config, options: &'a Options<'a>) -> Result<Self> {
        let arch = config.model.arch()?;
        let examples = Arc::new(Examples::open(&config.data.train, config.data.cache_mib << 20)?);
        let mut trainer = Trainer::new(&arch, config.seed, options.device);
        let folder = &options.folder;
        let path = folder.join(CHECKPOINT);
        let mut position = Position::default();
        if path.exists() {
            if !options.resume {
                return Err(Error::Occupied { path: folder.clone() });
            }
            let checkpoint = Checkpoint::open(&path)?;
            let unlike = |found: &str, expected: &str| Error::Checkpoint {
                path: path.clone(),
                found: found.to_owned(),
                expected: expected.to_owned(),
            };
            if checkpoint.config != config.to_toml() {
                return Err(unlike("a run of another configuration", "that of the config.toml beside it"));
            }
            if checkpoint.parameters.len() != trainer.parameters.len() {
                return Err(unlike("another number of parameters", "those of the model it names"));
            }
            trainer.parameters = checkpoint.parameters;
            trainer.state = checkpoint.state;
            position = checkpoint.position;
        } else {
            std::fs::create_dir_all(folder)
                .map_err(|source| Error::Write { path: folder.clone(), source })?;
            if let Some(start) = &config.model.start {
                let model = Model::open(start, &OpenOptions::default())?;
                trainer.start_from(&model).map_err(|found| Error::Checkpoint {
                    path: start.clone(),
                    found,
                    expected: "a raw model of the same architecture".to_owned(),
                })?;
            }
            let text = config.to_toml();
            pidinet::save::write_atomically(folder.join(CONFIG), text.as_bytes())?;
        }
        trainer.freeze(&config.model.freeze);
        let metrics = Metrics::open(&folder.join(METRICS), position.step)?;
        let session =
            Session { start: Instant::now(), first: position.step, before: position.seconds, done: 0.0 };
        let validation = Validation::open(config)?;
        let mut run = Self { config, options, trainer, examples, validation, position, metrics, session };
        run.session.done = run.done();
        Ok(run)
    }

    fn batches(&self) -> Batches {
        let plan = Plan {
            seed: self.config.seed,
            batch: self.config.train.batch,
            augment: self.config.augment,
            data: self.config.data.clone(),
        };
        Batches::start(&self.examples, &plan, self.position.step)
    }

    /// Steps in all, unless the clock decides.
    fn steps(&self) -> Option<u64> {
        let train = &self.config.train;
        if train.minutes > 0.0 {
            None
        } else if train.steps > 0 {
            Some(train.steps)
        } else {
            Some((train.epochs * self.examples.len() as f64 / train.batch as f64).ceil().max(1.0) as u64)
        }
    }

    /// Share of the run that is done.
    fn done(&self) -> f64 {
        match self.steps() {
            Some(steps) => self.position.step as f64 / steps as f64,
            None => self.position.seconds / (60.0 * self.config.train.minutes),
        }
    }

    fn step(&mut self, batch: Batch, tell: &mut dyn FnMut(&Event)) -> Result<()> {
        let config = self.config;
        let step = self.position.step;
        for (name, error) in batch.failed {
            self.position.failed += 1;
            let reason = chain(&error);
            if self.position.failed > config.data.skip as u64 {
                return Err(Error::Images {
                    count: self.position.failed,
                    first: format!("{name}: {reason}"),
                });
            }
            tell(&Event::Skipped { name, reason });
        }
        let rate = config.schedule.rate(self.done());
        let loss = Loss { lambda: config.data.lambda, soft: config.data.soft };
        let (total, gradients) =
            self.trainer.differentiate(&loss, &batch.samples, config.train.batch as f32)?;
        check_loss(total, &gradients, step + 1, &batch.samples)?;
        self.trainer.step(&config.optimizer, rate, config.train.average, &gradients);

        self.position.step += 1;
        self.position.seconds = self.session.before + self.session.start.elapsed().as_secs_f64();
        self.position.epoch_loss.0 += total;
        self.position.epoch_loss.1 += batch.samples.len() as u64;
        self.position.rate = rate;
        self.tell_step(total / batch.samples.len().max(1) as f64, tell);
        Ok(())
    }

    /// Passes of the training images when `step` steps are done.
    fn epochs(&self, step: u64) -> f64 {
        (step * self.config.train.batch as u64) as f64 / self.examples.len() as f64
    }

    /// At the end of an epoch, or where validation is due: adds a line to the metrics. Returns whether it
    /// validated.
    fn measure(&mut self, tell: &mut dyn FnMut(&Event)) -> Result<bool> {
        let step = self.position.step;
        let last = self.done() >= 1.0;
        let due = |every: f64| {
            every > 0.0
                && (last || (self.epochs(step) / every).floor() > (self.epochs(step - 1) / every).floor())
        };
        let validation = self.validation.as_ref().filter(|_| due(self.config.validation.epochs));
        if validation.is_none() && !due(1.0) {
            return Ok(false);
        }
        let folder = format!("{PREDICTIONS}/{step:07}");
        let pictures = self.options.folder.join(&folder);
        let scores = |validation: &Validation| validation.run(self.config, &self.trainer, &pictures);
        let validation = validation.map(scores).transpose()?;
        let (sum, count) = std::mem::take(&mut self.position.epoch_loss);
        let record = Record {
            step,
            epoch: self.epochs(step),
            rate: self.position.rate,
            loss: sum / count.max(1) as f64,
            seconds: self.position.seconds,
            validation,
        };
        self.metrics.add(&record)?;
        tell(&Event::Recorded(record));
        let Some(scores) = validation else { return Ok(false) };
        if self.position.best.is_none_or(|(best, _)| scores.ods > best) {
            self.position.best = Some((scores.ods, step));
            self.trainer.model(self.info()).save(self.options.folder.join(BEST))?;
        }
        Ok(true)
    }

    fn tell_step(&self, loss: f64, tell: &mut dyn FnMut(&Event)) {
        let seconds = self.session.start.elapsed().as_secs_f64();
        let done = self.done();
        let step = self.position.step;
        let images = (step - self.session.first) * self.config.train.batch as u64;
        let left = seconds / (done - self.session.done).max(1e-9) * (1.0 - done).max(0.0);
        tell(&Event::Step { step, done, loss, speed: images as f64 / seconds, left });
    }

    fn save(&self, tell: &mut dyn FnMut(&Event)) -> Result<()> {
        let folder = &self.options.folder;
        self.trainer.model(self.info()).save(folder.join(MODEL))?;
        let checkpoint = Checkpoint {
            config: self.config.to_toml(),
            position: self.position.clone(),
            parameters: self.trainer.parameters.clone(),
            state: self.trainer.state.clone(),
        };
        checkpoint.save(&folder.join(CHECKPOINT))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let validated = self.metrics.records().iter().rev().find(|record| record.validation.is_some());
        let pictures = validated.map_or_else(Vec::new, |record| {
            page::pictures(folder, &format!("{PREDICTIONS}/{:07}", record.step))
        });
        let page = page::page(&name, self.metrics.records(), &checkpoint.config, &pictures);
        pidinet::save::write_atomically(folder.join(PAGE), page.as_bytes())?;
        for (name, chart) in page::charts(self.metrics.records()) {
            raster(&chart, CHART_SCALE)
                .save(folder.join(name).with_extension("png"), &SaveOptions::default())?;
        }
        tell(&Event::Saved { step: self.position.step });
        Ok(())
    }

    /// The last scores on the validation images, if they are of this step.
    fn scores(&self) -> BTreeMap<String, f64> {
        let last = self.metrics.records().last().filter(|record| record.step == self.position.step);
        let Some(scores) = last.and_then(|record| record.validation) else { return BTreeMap::new() };
        let named = [("ods", scores.ods), ("ois", scores.ois), ("ap", scores.ap)];
        named.into_iter().map(|(name, score)| (format!("validation.{name}"), score)).collect()
    }

    fn info(&self) -> ModelInfo {
        let Config { train, data, seed, .. } = self.config;
        let name = self.options.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let steps = self.position.step;
        ModelInfo {
            name,
            provenance: format!(
                "pidinet {}: {steps} steps of {} images, seed {seed}",
                env!("CARGO_PKG_VERSION"),
                train.batch
            ),
            scores: self.scores(),
            training_data: data.train.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            ..ModelInfo::default()
        }
    }
}

/// The file to go on from.
const CHECKPOINT: &str = "checkpoint.safetensors";
/// Pixels to a point of a chart.
const CHART_SCALE: f64 = 2.0;
const CONFIG: &str = "config.toml";
const BEST: &str = "best.safetensors";
const PAGE: &str = "run.html";
const PREDICTIONS: &str = "predictions";
const METRICS: &str = "metrics.jsonl";
const MODEL: &str = "model.safetensors";

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
