//! A run that trains a recognition network; its folder is like that of any other [run](crate::run).

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pidinet::arch::Arch;
use pidinet::arch::recognition::RecognitionArch;
use pidinet::weights::{ModelInfo, RecognitionInput, RecognitionModel, RecognitionStorage};
use pidinet::{Classification, Classifier, ClassifierOptions, Size};
use pidinet_eval::classes::Confusion;
use rayon::prelude::*;

use super::batch::Batch;
use super::config::Config;
use super::data::{Pictures, Prepared, batch};
use super::loss;
use super::signs::Precision;
use super::tape::Mode;
use super::trainer::Trainer;
use crate::checkpoint::{Checkpoint, LAST, Newest};
use crate::device::Device;
use crate::device::check::check;
use crate::learner::Learner;
use crate::queue::Queue;
use crate::run::lesson::{Learnt, Lesson, Rules, Validated};
use crate::run::{CONFIG, Event, MODEL, Outcome, RunOptions, Scores, run};
use crate::{Error, Result};

/// Number of pictures to validate on at a time.
const MEASURED: usize = 100;

/// Trains a recognition network, as `config` says.
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
        train: config.train.clone(),
        rate: &|done| config.schedule.rate(done),
        seed: config.seed,
        validation_epochs: config.validation.epochs,
        skip: config.data.skip,
    };
    run(Classes::open(config, options.device)?, rules, options, tell)
}

/// A network, and pictures with classes.
#[derive(Debug)]
struct Classes<'a> {
    config: &'a Config,
    arch: RecognitionArch,
    input: RecognitionInput,
    trainer: Trainer,
    teacher: Option<Trainer>,
    pictures: Pictures,
    validation: Option<Pictures>,
    batches: Option<Queue<Prepared>>,
}

impl<'a> Classes<'a> {
    fn open(config: &'a Config, device: &dyn Device) -> Result<Self> {
        let input = RecognitionInput::for_stem(config.model.arch(1)?.stem);
        let mut pictures = Pictures::open(config, &config.data.train, input)?;
        let classes = pictures.classes().to_vec();
        let validation = if config.data.held_out > 0 {
            Some(pictures.split_off(config.data.held_out))
        } else if config.data.validation.is_empty() || config.validation.epochs <= 0.0 {
            None
        } else {
            Some(Pictures::open(config, &config.data.validation, input)?)
        };
        let found = validation.as_ref().map_or(&classes[..], Pictures::classes);
        if found != classes || pictures.is_empty() {
            return Err(Error::Classes { expected: classes.join(", "), found: found.join(", ") });
        }
        let arch = config.model.arch(classes.len())?;
        // A binary network turns a rounding error into a different sign, so an edge network is compared.
        check(device, &Arch::tiny())?;
        let mode =
            Mode { precision: config.binary.precision, straight: config.binary.straight, running: false };
        let trainer = Trainer::new(&arch, config.seed, device, mode);
        let teacher = config
            .binary
            .teacher
            .as_ref()
            .map(|folder| teacher(folder, classes.len(), device))
            .transpose()?;
        Ok(Self { config, arch, input, trainer, teacher, pictures, validation, batches: None })
    }

    /// Moves the targets towards the teacher's output.
    fn ask(&mut self, batch: &mut Batch) -> Result<()> {
        let Some(teacher) = &mut self.teacher else { return Ok(()) };
        let mut answers = teacher.logits(&batch.images, batch.size)?;
        loss::softmax(&mut answers, self.arch.classes);
        let trust = self.config.binary.trust;
        for (target, answer) in batch.targets.iter_mut().zip(answers) {
            *target += trust * (answer - *target);
        }
        Ok(())
    }

    /// The network in its current state.
    fn model(&self, info: ModelInfo) -> Result<RecognitionModel> {
        let path = PathBuf::from(MODEL);
        let mut model =
            RecognitionModel::new(self.arch.clone(), self.trainer.learner.weights(), self.input, info)
                .map_err(|source| pidinet::Error::Model { path, source })?;
        model.labels = self.pictures.classes().to_vec();
        Ok(model)
    }

    /// Loss and accuracy on pictures: those of the engine, if the network is binary.
    fn measure(&mut self, pictures: &Pictures, stop: &AtomicBool) -> Result<Validated> {
        self.trainer.mode.precision = self.config.binary.precision;
        let mut confusion = Confusion::new(pictures.classes().to_vec());
        let mut loss = 0.0;
        let mut note = |part: Range<usize>, found: &[Classification]| {
            let labels: Vec<usize> = part.map(|picture| pictures.class(picture)).collect();
            labels.iter().zip(found).for_each(|(&label, found)| confusion.add(label, found));
            let mut logits: Vec<f32> = found.iter().flat_map(|found| &found.logits).copied().collect();
            let targets = loss::targets(&labels, self.arch.classes, 0.0);
            loss += loss::differentiate(&mut logits, &targets, self.arch.classes, 1.0);
        };
        let parts = (0..pictures.len()).step_by(MEASURED);
        let parts = parts.map(|start| start..(start + MEASURED).min(pictures.len()));
        let size = self.input.size;
        if self.config.binary.precision == Precision::Binary {
            // The pictures are divided among the threads of the run, and each is processed by one of them.
            let options =
                ClassifierOptions { threads: Some(NonZeroUsize::MIN), ..ClassifierOptions::default() };
            let classifier = Classifier::new(&self.model(ModelInfo::default())?, &options)?;
            let classify = |picture| Ok(classifier.run(&pictures.numbers(picture)?, Size::square(size)));
            for part in parts {
                if stop.load(Ordering::Relaxed) {
                    return Ok(Validated::Stopped);
                }
                let found: Vec<_> = part.clone().into_par_iter().map(classify).collect::<Result<_>>()?;
                note(part, &found);
            }
        } else {
            for part in parts {
                if stop.load(Ordering::Relaxed) {
                    return Ok(Validated::Stopped);
                }
                let images =
                    part.clone().map(|picture| pictures.plain(picture)).collect::<Result<Vec<_>>>()?;
                let logits = self.trainer.logits(&images.concat(), (size, size))?;
                let found = |logits: &[f32]| Classification { logits: logits.to_vec(), features: Vec::new() };
                let found: Vec<_> = logits.chunks_exact(self.arch.classes).map(found).collect();
                note(part, &found);
            }
        }
        let named = [("top1", confusion.top1()), ("top5", confusion.top5())];
        Ok(Validated::Scores(Scores::new(loss / pictures.len() as f64, named)))
    }
}

/// The network of another run.
fn teacher(folder: &Path, classes: usize, device: &dyn Device) -> Result<Trainer> {
    let config = Config::open(&folder.join(CONFIG))?;
    let Newest { checkpoint, path, .. } = Checkpoint::newest(folder)?.ok_or_else(|| Error::Read {
        path: folder.join(LAST),
        source: std::io::ErrorKind::NotFound.into(),
    })?;
    let mode = Mode { precision: config.binary.precision, straight: config.binary.straight, running: true };
    let mut teacher = Trainer::new(&config.model.arch(classes)?, config.seed, device, mode);
    if teacher.learner.parameters.len() != checkpoint.parameters.len() {
        return Err(Error::Checkpoint {
            path,
            found: "a different number of parameters".to_owned(),
            expected: format!("those of its configuration for {classes} classes"),
        });
    }
    teacher.learner.parameters = checkpoint.parameters;
    Ok(teacher)
}

impl Lesson for Classes<'_> {
    const DECIDES: &'static str = "top1";

    fn images(&self) -> usize {
        self.pictures.len()
    }

    fn training_data(&self) -> String {
        let name = self.config.data.path.file_name().unwrap_or_default().to_string_lossy();
        let split = &self.config.data.train;
        format!("{}: {} images", format!("{name} {split}").trim(), self.pictures.len())
    }

    fn learner(&self) -> &Learner {
        &self.trainer.learner
    }

    fn learner_mut(&mut self) -> &mut Learner {
        &mut self.trainer.learner
    }

    fn prepare(&mut self, step: u64, _steps: Option<u64>) {
        let (pictures, config) = (self.pictures.clone(), self.config.clone());
        let prepared = move |number| batch(&pictures, &config, number);
        self.batches = Some(Queue::start(step, self.config.data.loaders, prepared));
    }

    fn learn(&mut self, step: u64, done: f64, rate: f64, stop: &AtomicBool) -> Result<Option<Learnt>> {
        let batches = self.batches.as_mut().expect("a run prepares its lesson");
        let Some(Prepared { mut batch, names, failed }) = batches.next(stop) else { return Ok(None) };
        if names.is_empty() {
            return Ok(Some(Learnt { failed, ..Learnt::default() }));
        }
        let is_first =
            self.config.binary.precision == Precision::Binary && done < self.config.binary.real_weights;
        self.trainer.mode.precision =
            if is_first { Precision::Activations } else { self.config.binary.precision };
        self.ask(&mut batch)?;
        let (loss, gradients) = self.trainer.differentiate(&batch)?;
        if !loss.is_finite() || gradients.iter().any(|gradient| !gradient.is_finite()) {
            return Err(Error::Diverged { loss, step: step + 1, images: names });
        }
        self.trainer.step(&self.config.optimizer, rate, &gradients);
        Ok(Some(Learnt { loss, images: names.len() as u64, failed }))
    }

    fn validate(&mut self, _pictures: &Path, stop: &AtomicBool) -> Result<Validated> {
        let Some(pictures) = self.validation.take() else { return Ok(Validated::Nothing) };
        let scores = self.measure(&pictures, stop);
        self.validation = Some(pictures);
        scores
    }

    fn save(&self, path: &Path, mut info: ModelInfo) -> Result<()> {
        if self.config.binary.precision != Precision::Binary {
            info.provenance += "; trained with real numbers, to be a teacher: useless as a network of signs";
        }
        Ok(self.model(info)?.save(path, RecognitionStorage::default())?)
    }
}
