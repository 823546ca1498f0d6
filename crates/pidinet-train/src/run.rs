//! A training run: a folder with everything needed to trust it.
//!
//! | file | what |
//! |---|---|
//! | `config.toml` | the configuration, defaults filled in |
//! | `checkpoint.safetensors` | to resume from |
//! | `checkpoint-before.safetensors` | the one before, in case that is damaged |
//! | `model.safetensors` | the averaged weights, for `pidinet detect` |
//! | `best.safetensors` | the weights with the best validation score (ODS or top-1), the first if several are equal |
//! | `metrics.jsonl` | one line for each epoch and validation |
//! | `run.html` | curves, numbers and predictions, to look at |
//! | `loss.png`, `rate.png`, `scores.png` | the curves as pictures |
//! | `predictions/STEP/` | the network's output for some validation images at that step |

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pidinet::save::{FolderLock, write_atomically};
use pidinet::weights::ModelInfo;

use crate::checkpoint::{self, Checkpoint, Newest, Position};
use crate::device::Device;
use crate::learner::Learner;
use crate::{Error, Result};

pub(crate) mod lesson;
mod metrics;
mod page;

pub use metrics::{Metrics, Record, Scores};

use lesson::{Learnt, Lesson, Rules, Validated};

/// Where a run lives and how it is controlled.
#[derive(Debug)]
pub struct RunOptions<'a> {
    /// The folder of the run; created if it is missing.
    pub folder: PathBuf,
    /// Whether to resume from the newest undamaged checkpoint in the folder, if there is one.
    pub resume: bool,
    /// Where the network computes.
    pub device: &'a dyn Device,
    /// Becomes true when the run should save and stop.
    pub stop: &'a AtomicBool,
}

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run starts or resumes.
    Started {
        /// Number of training images.
        images: usize,
        /// Number of parameters.
        parameters: usize,
        /// Steps done before.
        step: u64,
        /// Total number of steps, if known.
        steps: Option<u64>,
    },
    /// A step was done.
    Step {
        /// Steps done.
        step: u64,
        /// Share of the run that is done.
        done: f64,
        /// Mean loss of the batch's images.
        loss: f64,
        /// Images a second since the run started or resumed.
        speed: f64,
        /// Seconds left at this speed.
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
    /// The run was told to stop, and is saving its state.
    Stopping,
    /// A checkpoint was written, and everything to look at.
    Saved {
        /// Steps done.
        step: u64,
    },
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its position.
    pub position: Position,
    /// Whether all steps are done.
    pub finished: bool,
    /// The averaged weights.
    pub model: PathBuf,
}

/// Writes the configuration of a run again, from its newest checkpoint, if the file is missing or empty.
///
/// # Errors
///
/// If no checkpoint can be used, or the file cannot be written.
pub fn restore_configuration(folder: &Path) -> Result<()> {
    let path = folder.join(CONFIG);
    if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(());
    }
    if let Some(Newest { checkpoint, .. }) = Checkpoint::newest(folder)? {
        write_atomically(path, checkpoint.config.as_bytes())?;
    }
    Ok(())
}

/// Runs a lesson in a folder until it is done or told to stop.
pub(crate) fn run(
    lesson: impl Lesson,
    rules: Rules<'_>,
    options: &RunOptions<'_>,
    mut tell: impl FnMut(&Event),
) -> Result<Outcome> {
    let mut run = Run::begin(lesson, rules, options)?;
    let tell: &mut dyn FnMut(&Event) = &mut tell;
    tell(&Event::Started {
        images: run.lesson.images(),
        parameters: run.lesson.learner().layout().len(),
        step: run.session.first,
        steps: run.steps(),
    });
    run.lesson.prepare(run.position.step, run.steps());
    if run.position.unmeasured {
        run.measure(tell)?;
    }
    loop {
        let begun = Instant::now();
        if run.done() >= 1.0 || !run.step(tell)? {
            break;
        }
        let is_long = begun.elapsed() >= LONG_STEP;
        let saved = run.position.step.is_multiple_of(run.rules.train.checkpoint_steps);
        if run.measure(tell)? || saved {
            run.save(tell)?;
        } else if is_long {
            run.save_checkpoint()?;
        }
    }
    if options.stop.load(Ordering::Relaxed) {
        tell(&Event::Stopping);
    }
    run.save(tell)?;
    let finished = run.done() >= 1.0 && !run.position.unmeasured;
    Ok(Outcome { position: run.position, finished, model: run.folder.join(MODEL) })
}

/// A run in progress.
struct Run<'a, L> {
    lesson: L,
    rules: Rules<'a>,
    folder: &'a Path,
    position: Position,
    metrics: Metrics,
    session: Session,
    stop: &'a AtomicBool,
    /// Whether the newest checkpoint in the folder is undamaged, so that it may replace the one before.
    last_is_whole: bool,
    _lock: FolderLock,
}

/// The time since the run started or resumed.
struct Session {
    start: Instant,
    /// Steps done before.
    first: u64,
    /// Seconds spent before.
    before: f64,
    /// Share of the run that was done before.
    done: f64,
}

impl<'a, L: Lesson> Run<'a, L> {
    fn begin(mut lesson: L, rules: Rules<'a>, options: &'a RunOptions<'_>) -> Result<Self> {
        let folder = options.folder.as_path();
        std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        let lock = FolderLock::take(folder)?;
        let mut position = Position::default();
        let mut last_is_whole = false;
        if !options.resume
            && [checkpoint::LAST, checkpoint::BEFORE].iter().any(|name| folder.join(name).exists())
        {
            return Err(Error::Occupied { path: folder.to_owned() });
        }
        if let Some(Newest { checkpoint, path, is_last }) = Checkpoint::newest(folder)? {
            let unlike = |found: &str, expected: &str| Error::Checkpoint {
                path: path.clone(),
                found: found.to_owned(),
                expected: expected.to_owned(),
            };
            if !(rules.says_same)(&checkpoint.config) {
                return Err(unlike("a run of another configuration", "that of the config.toml beside it"));
            }
            let learner = lesson.learner_mut();
            if checkpoint.parameters.len() != learner.layout().len() {
                return Err(unlike("a different number of parameters", "those of the model it names"));
            }
            (learner.parameters, learner.state) = (checkpoint.parameters, checkpoint.state);
            position = checkpoint.position;
            last_is_whole = is_last;
        } else {
            lesson.begin()?;
            write_atomically(folder.join(CONFIG), rules.config.as_bytes())?;
        }
        // Measurements that an earlier session made after this checkpoint will be made again.
        let measured = position.step.saturating_sub(position.unmeasured.into());
        let metrics = Metrics::open(&folder.join(METRICS), measured)?;
        let session =
            Session { start: Instant::now(), first: position.step, before: position.seconds, done: 0.0 };
        let stop = options.stop;
        let mut run =
            Self { lesson, rules, folder, position, metrics, session, stop, last_is_whole, _lock: lock };
        run.session.done = run.done();
        Ok(run)
    }

    /// Total number of steps, unless the clock decides.
    fn steps(&self) -> Option<u64> {
        let train = &self.rules.train;
        if train.minutes > 0.0 {
            None
        } else if train.steps > 0 {
            Some(train.steps)
        } else {
            Some((train.epochs * self.lesson.images() as f64 / train.batch as f64).ceil().max(1.0) as u64)
        }
    }

    /// Share of the run that is done.
    fn done(&self) -> f64 {
        match self.steps() {
            Some(steps) => self.position.step as f64 / steps as f64,
            None => self.position.seconds / (60.0 * self.rules.train.minutes),
        }
    }

    /// Learns from one batch; false, without learning, if the run should stop.
    fn step(&mut self, tell: &mut dyn FnMut(&Event)) -> Result<bool> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let done = self.done();
        let rate = (self.rules.rate)(done);
        let learnt = self.lesson.learn(self.position.step, done, rate, self.stop)?;
        let Some(Learnt { loss, images, failed }) = learnt else { return Ok(false) };
        for (name, error) in failed {
            self.position.failed += 1;
            let reason = chain(&error);
            if self.position.failed > self.rules.skip as u64 {
                return Err(Error::Images {
                    count: self.position.failed,
                    first: format!("{name}: {reason}"),
                });
            }
            tell(&Event::Skipped { name, reason });
        }
        self.position.step += 1;
        self.position.seconds = self.session.before + self.session.start.elapsed().as_secs_f64();
        self.position.epoch_loss.0 += loss;
        self.position.epoch_loss.1 += images;
        self.position.rate = rate;
        self.tell_step(loss / images.max(1) as f64, tell);
        Ok(true)
    }

    /// Passes over the training images after `step` steps.
    fn epochs(&self, step: u64) -> f64 {
        (step * self.rules.train.batch as u64) as f64 / self.lesson.images() as f64
    }

    /// At the end of an epoch, or if validation is due, adds a line to the metrics. Returns whether it
    /// validated. If the run should stop before that is done, it is left to the resumed run.
    fn measure(&mut self, tell: &mut dyn FnMut(&Event)) -> Result<bool> {
        let step = self.position.step;
        let last = self.done() >= 1.0;
        let due = |every: f64| {
            every > 0.0
                && (last || (self.epochs(step) / every).floor() > (self.epochs(step - 1) / every).floor())
        };
        let (validates, ends) = (due(self.rules.validation_epochs), due(1.0));
        let pictures = self.folder.join(format!("{PREDICTIONS}/{step:07}"));
        let validated = if validates {
            // Validation may take long, and interrupting it must not lose the steps before it.
            self.position.unmeasured = true;
            self.save_checkpoint()?;
            self.lesson.validate(&pictures, self.stop)?
        } else {
            Validated::Nothing
        };
        let validation = match validated {
            Validated::Nothing => None,
            Validated::Scores(scores) => Some(scores),
            Validated::Stopped => return Ok(false),
        };
        self.position.unmeasured = false;
        if validation.is_none() && !ends {
            return Ok(false);
        }
        let (sum, count) = std::mem::take(&mut self.position.epoch_loss);
        let record = Record {
            step,
            epoch: self.epochs(step),
            rate: self.position.rate,
            loss: sum / count.max(1) as f64,
            seconds: self.position.seconds,
            validation: validation.clone(),
        };
        self.metrics.add(&record)?;
        tell(&Event::Recorded(record));
        let Some(scores) = validation else { return Ok(false) };
        let score = scores.named[L::DECIDES];
        if self.position.best.is_none_or(|(best, _)| score > best) {
            self.position.best = Some((score, step));
            self.lesson.save(&self.folder.join(BEST), self.info())?;
        }
        Ok(true)
    }

    fn tell_step(&self, loss: f64, tell: &mut dyn FnMut(&Event)) {
        let seconds = self.session.start.elapsed().as_secs_f64();
        let done = self.done();
        let step = self.position.step;
        let images = (step - self.session.first) * self.rules.train.batch as u64;
        let left = seconds / (done - self.session.done).max(1e-9) * (1.0 - done).max(0.0);
        tell(&Event::Step { step, done, loss, speed: images as f64 / seconds, left });
    }

    fn save(&mut self, tell: &mut dyn FnMut(&Event)) -> Result<()> {
        let folder = self.folder;
        self.lesson.save(&folder.join(MODEL), self.info())?;
        self.save_checkpoint()?;
        self.decorate_folder(&self.rules.config);
        tell(&Event::Saved { step: self.position.step });
        Ok(())
    }

    /// Writes everything needed to resume.
    fn save_checkpoint(&mut self) -> Result<()> {
        let folder = self.folder;
        let Learner { parameters, state, .. } = self.lesson.learner();
        let checkpoint = Checkpoint {
            config: self.rules.config.clone(),
            position: self.position.clone(),
            parameters: parameters.clone(),
            state: state.clone(),
        };
        if self.last_is_whole {
            keep_one_more(&folder.join(checkpoint::LAST), &folder.join(checkpoint::BEFORE));
        }
        checkpoint.save(&folder.join(checkpoint::LAST))?;
        self.last_is_whole = true;
        Ok(())
    }

    /// Writes everything that is only to look at.
    fn decorate_folder(&self, config: &str) {
        let folder = self.folder;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let validated = self.metrics.records().iter().rev().find(|record| record.validation.is_some());
        let pictures = validated.map_or_else(Vec::new, |record| {
            page::pictures(folder, &format!("{PREDICTIONS}/{:07}", record.step))
        });
        let page = page::page(&name, self.metrics.records(), config, &pictures);
        decorate(write_atomically(folder.join(PAGE), page.as_bytes()));
        for (name, chart) in page::charts(self.metrics.records()) {
            decorate(chart.save(&folder.join(name).with_extension("png")));
        }
    }

    fn info(&self) -> ModelInfo {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let steps = self.position.step;
        // The last scores on the validation images, if they are of this step.
        let last = self.metrics.records().last().filter(|record| record.step == steps);
        let scores = last.and_then(|record| record.validation.as_ref()).into_iter();
        ModelInfo {
            name,
            provenance: format!(
                "pidinet {}: {steps} steps of {} images, seed {}",
                env!("CARGO_PKG_VERSION"),
                self.rules.train.batch,
                self.rules.seed
            ),
            scores: scores
                .flat_map(|scores| &scores.named)
                .map(|(name, &score)| (format!("validation.{name}"), score))
                .collect(),
            training_data: self.lesson.training_data(),
            ..ModelInfo::default()
        }
    }
}

/// Keeps the last checkpoint as the one before, under a second name; it stays in place until the new one
/// replaces it.
fn keep_one_more(last: &Path, before: &Path) {
    let _ = std::fs::remove_file(before); // it may not be there
    let kept = std::fs::hard_link(last, before).or_else(|_| std::fs::copy(last, before).map(|_| ()));
    if let Err(error) = kept {
        log::warn!("the checkpoint before the last cannot be kept: {error}");
    }
}

/// Continues if something that is only to look at could not be written.
pub(crate) fn decorate<E: std::error::Error>(written: Result<(), E>) {
    if let Err(error) = written {
        log::warn!("{}; the run goes on without it", chain(&error));
    }
}

/// After a step that takes this long, a checkpoint is written, so that a run can be ended without waiting for
/// the next step.
const LONG_STEP: Duration = Duration::from_secs(1);

pub(crate) const CONFIG: &str = "config.toml";
const BEST: &str = "best.safetensors";
const PAGE: &str = "run.html";
const PREDICTIONS: &str = "predictions";
const METRICS: &str = "metrics.jsonl";
pub(crate) const MODEL: &str = "model.safetensors";

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
