//! A run that trains a network for recognition: the folder is that of any other [run](crate::run).

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pidinet::arch::binary::BiArch;
use pidinet::weights::{BiInput, BiModel, BiStorage, ModelInfo, Parameter};
use pidinet_eval::classes::TOP;
use pidinet_kernels::Isa;

use super::config::Config;
use super::data::{Pictures, Prepared, batch};
use super::learner::{Batch, Learner};
use super::loss;
use super::signs::Precision;
use super::tape::Mode;
use crate::checkpoint::Checkpoint;
use crate::config::Train;
use crate::data::queue::Queue;
use crate::optimizer::State;
use crate::run::lesson::{Learnt, Lesson};
use crate::run::{CHECKPOINT, CONFIG, Event, Outcome, Scores, run};
use crate::schedule::Schedule;
use crate::{Error, Result};

/// Pictures that are measured on at a time.
const MEASURED: usize = 100;

/// Where a run lives and how it is controlled.
#[derive(Debug)]
pub struct Options<'a> {
    /// The folder of the run; made if it is missing.
    pub folder: PathBuf,
    /// Whether to go on from the checkpoint in the folder, if there is one.
    pub resume: bool,
    /// The instruction set to compute with.
    pub isa: Isa,
    /// Becomes true when the run should save and end.
    pub stop: &'a AtomicBool,
}

/// Trains a network for recognition, as `config` says.
///
/// # Errors
///
/// If the configuration, the data or the folder cannot be used, or the loss stops being a number. What was
/// saved before stays.
pub fn train(config: &Config, options: &Options<'_>, tell: impl FnMut(&Event)) -> Result<Outcome> {
    config.check()?;
    run(Classes::open(config, options.isa)?, &options.folder, options.resume, options.stop, tell)
}

/// A network, and pictures with classes.
#[derive(Debug)]
struct Classes<'a> {
    config: &'a Config,
    arch: BiArch,
    input: BiInput,
    learner: Learner,
    teacher: Option<Learner>,
    pictures: Pictures,
    validation: Option<Pictures>,
    batches: Option<Queue<Prepared>>,
}

impl<'a> Classes<'a> {
    fn open(config: &'a Config, isa: Isa) -> Result<Self> {
        let input = BiInput::for_stem(config.model.arch(1)?.stem);
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
        let mode =
            Mode { precision: config.binary.precision, straight: config.binary.straight, running: false };
        let learner = Learner::new(&arch, config.seed, isa, mode);
        let teacher =
            config.binary.teacher.as_ref().map(|folder| teacher(folder, classes.len(), isa)).transpose()?;
        Ok(Self { config, arch, input, learner, teacher, pictures, validation, batches: None })
    }

    /// Moves the targets towards what the teacher says.
    fn ask(&mut self, batch: &mut Batch) {
        let Some(teacher) = &mut self.teacher else { return };
        let mut answers = teacher.logits(&batch.images, batch.size);
        loss::softmax(&mut answers, self.arch.classes);
        let trust = self.config.binary.trust;
        for (target, answer) in batch.targets.iter_mut().zip(answers) {
            *target += trust * (answer - *target);
        }
    }
}

/// The network of another run.
fn teacher(folder: &Path, classes: usize, isa: Isa) -> Result<Learner> {
    let config = Config::open(&folder.join(CONFIG))?;
    let path = folder.join(CHECKPOINT);
    let checkpoint = Checkpoint::open(&path)?;
    let mode = Mode { precision: config.binary.precision, straight: config.binary.straight, running: true };
    let mut teacher = Learner::new(&config.model.arch(classes)?, config.seed, isa, mode);
    if teacher.parameters.len() != checkpoint.parameters.len() {
        return Err(Error::Checkpoint {
            path,
            found: "another number of parameters".to_owned(),
            expected: format!("those of its configuration for {classes} classes"),
        });
    }
    teacher.parameters = checkpoint.parameters;
    Ok(teacher)
}

impl Lesson for Classes<'_> {
    const DECIDES: &'static str = "top1";

    fn config(&self) -> String {
        self.config.to_toml()
    }

    fn train(&self) -> &Train {
        &self.config.train
    }

    fn schedule(&self) -> &Schedule {
        &self.config.schedule
    }

    fn seed(&self) -> u64 {
        self.config.seed
    }

    fn validation_epochs(&self) -> f64 {
        self.config.validation.epochs
    }

    fn skip(&self) -> u64 {
        self.config.data.skip as u64
    }

    fn images(&self) -> usize {
        self.pictures.len()
    }

    fn training_data(&self) -> String {
        let name = self.config.data.path.file_name().unwrap_or_default();
        format!("{} {}", name.to_string_lossy(), self.config.data.train)
    }

    fn state(&self) -> (&[f32], &State) {
        (&self.learner.parameters, &self.learner.state)
    }

    fn restore(&mut self, parameters: Vec<f32>, state: State) {
        (self.learner.parameters, self.learner.state) = (parameters, state);
    }

    fn prepare(&mut self, step: u64) {
        let (pictures, config) = (self.pictures.clone(), self.config.clone());
        let prepared = move |number| batch(&pictures, &config, number);
        self.batches = Some(Queue::start(step, self.config.data.loaders, prepared));
    }

    fn learn(&mut self, step: u64, done: f64, rate: f64) -> Result<Learnt> {
        let Prepared { mut batch, names, failed } =
            self.batches.as_mut().expect("a run prepares its lesson").next();
        if names.is_empty() {
            return Ok(Learnt { failed, ..Learnt::default() });
        }
        let is_first =
            self.config.binary.precision == Precision::Binary && done < self.config.binary.real_weights;
        self.learner.mode.precision =
            if is_first { Precision::Activations } else { self.config.binary.precision };
        self.ask(&mut batch);
        let (loss, gradients) = self.learner.differentiate(&batch);
        if !loss.is_finite() || gradients.iter().any(|gradient| !gradient.is_finite()) {
            return Err(Error::Diverged { loss, step: step + 1, images: names });
        }
        self.learner.step(&self.config.optimizer, rate, &gradients);
        Ok(Learnt { loss, images: names.len() as u64, failed })
    }

    fn validate(&mut self, _pictures: &Path) -> Option<Result<Scores>> {
        let pictures = self.validation.take()?;
        self.learner.mode.precision = self.config.binary.precision;
        let scores = measure(&mut self.learner, &pictures, self.input.size);
        self.validation = Some(pictures);
        Some(scores)
    }

    fn save(&self, path: &Path, mut info: ModelInfo) -> Result<()> {
        if self.config.binary.precision != Precision::Binary {
            info.provenance += "; trained with real numbers, to be a teacher: its signs alone know nothing";
        }
        let tensors = self.learner.tape().tensors().iter().map(|tensor| {
            let data = self.learner.parameters[tensor.range.clone()].to_vec();
            (tensor.parameter.name.clone(), Parameter { shape: tensor.parameter.shape.clone(), data })
        });
        let mut model = BiModel::new(self.arch.clone(), tensors.collect(), self.input, info)
            .map_err(|source| pidinet::Error::Model { path: path.to_owned(), source })?;
        model.labels = self.pictures.classes().to_vec();
        Ok(model.save(path, BiStorage::default())?)
    }
}

/// Loss and accuracy on pictures.
fn measure(learner: &mut Learner, pictures: &Pictures, size: usize) -> Result<Scores> {
    let classes = pictures.classes().len();
    let (mut loss, mut first, mut among) = (0.0, 0, 0);
    for start in (0..pictures.len()).step_by(MEASURED) {
        let part = start..(start + MEASURED).min(pictures.len());
        let mut images = Vec::with_capacity(part.len() * 3 * size * size);
        for picture in part.clone() {
            images.extend(pictures.plain(picture)?);
        }
        let labels: Vec<usize> = part.map(|picture| pictures.class(picture)).collect();
        let mut logits = learner.logits(&images, (size, size));
        for (logits, &label) in logits.chunks_exact(classes).zip(&labels) {
            let better = logits.iter().filter(|&&logit| logit > logits[label]).count();
            first += usize::from(better < 1);
            among += usize::from(better < TOP);
        }
        loss += loss::differentiate(&mut logits, &loss::targets(&labels, classes, 0.0), classes, 1.0);
    }
    let share = |count: usize| count as f64 / pictures.len() as f64;
    Ok(Scores::new(loss / pictures.len() as f64, [("top1", share(first)), ("top5", share(among))]))
}
