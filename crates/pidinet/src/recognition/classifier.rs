//! What an image shows, or whose face it is, by binary networks.
//!
//! [`Classifier`] takes an [`Image`] and returns a [`Classification`]: a score for each class, and the
//! feature vector that the scores come from, which can also be used to compare two images.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use pidinet_kernels::isa::Isa;

use super::engine::{self, Arena};
use super::input::pixels;
use super::plan::{Op, Plan};
use crate::Size;
use crate::error::Result;
use crate::image::Image;
use crate::steps::StepStats;
use crate::threads::Pool;
use crate::weights::{ModelInfo, OpenOptions, RecognitionInput, RecognitionModel};
use crate::workers::Workers;

/// Arenas that a classifier keeps for its next runs: one for each thread of a batch is enough.
const IDLE_ARENAS: usize = 64;

/// How to run a classifier.
#[derive(Clone, Debug, Default)]
pub struct ClassifierOptions {
    /// Threads; all cores by default. The result does not depend on their number. Calls from a thread of a
    /// `rayon` pool compute on that thread alone.
    pub threads: Option<NonZeroUsize>,
    /// Instruction set, as [`Isa::named`] returns it; by default that of the environment variable
    /// `PIDINET_ISA`, else the best that this CPU has. The result does not depend on it.
    pub isa: Option<Isa>,
}

/// The output of a network for an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// A score for each class.
    pub logits: Vec<f32>,
    /// The feature vector, not normalised.
    pub features: Vec<f32>,
}

impl Classification {
    /// The class with the greatest logit, the first if several are equal.
    pub fn class(&self) -> usize {
        let greatest =
            |best: usize, class: usize| if self.logits[class] > self.logits[best] { class } else { best };
        (0..self.logits.len()).fold(0, greatest)
    }

    /// The `k` most probable classes with their probabilities, the most probable first.
    pub fn top(&self, k: usize) -> Vec<(usize, f32)> {
        let most = f64::from(self.logits[self.class()]);
        let weight = |&logit: &f32| (f64::from(logit) - most).exp();
        let sum: f64 = self.logits.iter().map(weight).sum();
        let mut classes: Vec<usize> = (0..self.logits.len()).collect();
        classes.sort_by(|&a, &b| self.logits[b].total_cmp(&self.logits[a]));
        classes.truncate(k);
        classes.into_iter().map(|class| (class, (weight(&self.logits[class]) / sum) as f32)).collect()
    }
}

/// Recognises images with one model; make it once, use it from any number of threads. A process forked from
/// this one may use it too, and gets threads of its own.
///
/// # Examples
///
/// ```
/// use pidinet::arch::recognition::RecognitionArch;
/// use pidinet::image::{Image, PixelFormat, PixelLayout};
/// use pidinet::weights::RecognitionModel;
/// use pidinet::{Classifier, ClassifierOptions, Size};
///
/// let model = RecognitionModel::random(RecognitionArch::small(10), 1); // usually: RecognitionModel::open("model.safetensors", …)
/// let classifier = Classifier::new(&model, &ClassifierOptions::default())?;
/// let image = Image::from_u8(&[128; 40 * 30], &PixelLayout::packed(Size { height: 30, width: 40 }, PixelFormat::Grey))?;
/// let found = classifier.classify(&image);
/// assert_eq!(found.top(3)[0].0, found.class());
/// # Ok::<(), pidinet::Error>(())
/// ```
#[derive(Debug)]
pub struct Classifier {
    plan: Plan,
    labels: Vec<String>,
    input: RecognitionInput,
    info: ModelInfo,
    workers: Workers<Arena>,
}

impl Classifier {
    /// A classifier with the model of a file, as [`RecognitionModel::open`] reads it.
    ///
    /// # Errors
    ///
    /// Those of [`RecognitionModel::open`] and [`Classifier::new`].
    pub fn open(path: impl AsRef<Path>, options: &ClassifierOptions) -> Result<Self> {
        Self::new(&RecognitionModel::open(path, &OpenOptions::default())?, options)
    }

    /// A classifier with a model.
    ///
    /// # Errors
    ///
    /// [`Error::Isa`](crate::Error::Isa) if `PIDINET_ISA` names an instruction set that this CPU lacks.
    pub fn new(model: &RecognitionModel, options: &ClassifierOptions) -> Result<Self> {
        let isa = match options.isa {
            Some(isa) => isa,
            None => Isa::from_env()?,
        };
        let workers = Workers::new(options.threads);
        let (labels, input, info) = (model.labels.clone(), model.input, model.info.clone());
        Ok(Self { plan: Plan::new(model, isa), labels, input, info, workers })
    }

    /// What an image of any size shows.
    pub fn classify(&self, image: &Image) -> Classification {
        self.run(&pixels(image, &self.input), Size::square(self.input.size))
    }

    /// What each of many images shows; the images are divided among the threads if there are enough of them.
    pub fn classify_all(&self, images: &[Image]) -> Vec<Classification> {
        let size = Size::square(self.input.size);
        let one = |image: &Image| self.run_with(1, &pixels(image, &self.input), size);
        match self.pool() {
            Some(pool) if images.len() >= self.threads() => pool.map(images, one),
            _ => images.iter().map(|image| self.classify(image)).collect(),
        }
    }

    /// The output of the network for many inputs, each as [`Self::run`] takes it; computed one by one if
    /// there are fewer inputs than threads, otherwise divided among the threads.
    ///
    /// # Panics
    ///
    /// As [`Self::run`].
    pub fn run_all(&self, inputs: &[&[f32]], size: Size) -> Vec<Classification> {
        match self.pool() {
            Some(pool) if inputs.len() >= self.threads() => {
                let one = |input: &&[f32]| self.run_with(1, input, size);
                pool.map(inputs, one)
            }
            _ => inputs.iter().map(|input| self.run(input, size)).collect(),
        }
    }

    /// The feature vector of an image, scaled to length 1 (all zeros stay zeros): the dot product of two of
    /// them is their cosine similarity.
    pub fn embed(&self, image: &Image) -> Vec<f32> {
        unit(self.classify(image).features)
    }

    /// The output of the network for numbers that are ready for it, `[h][w][3]`, as [`pixels`] returns them.
    ///
    /// # Panics
    ///
    /// If there are not three for each pixel, or no pixels.
    pub fn run(&self, input: &[f32], size: Size) -> Classification {
        match self.pool() {
            Some(pool) => pool.install(|| self.run_with(self.threads(), input, size)),
            None => self.run_with(1, input, size),
        }
    }

    /// [`Self::run`], with the time of each step.
    ///
    /// # Panics
    ///
    /// As [`Self::run`], and on targets without a clock, such as `wasm32-unknown-unknown`.
    pub fn profile(&self, input: &[f32], size: Size) -> (Classification, Vec<StepStats>) {
        let threads = if self.pool().is_some() { self.threads() } else { 1 };
        let mut arena = self.filled(threads, input, size);
        let mut stats = Vec::new();
        let mut all = || {
            for step in &self.plan.steps {
                let start = Instant::now();
                engine::run_step(&self.plan, &mut arena, step);
                let time = start.elapsed();
                let map = &self.plan.maps[step.dst];
                let shape = [map.channels, map.side(size.height), map.side(size.width)];
                let macs = (step.macs * shape[1] * shape[2]) as u64;
                let values = |id: usize| {
                    let map = &self.plan.maps[id];
                    (map.channels * map.side(size.height) * map.side(size.width)) as u64
                };
                let added = if matches!(step.op, Op::Block(_)) { values(step.dst) } else { 0 };
                let bytes = 4 * (values(step.op.reads()) + added + values(step.dst));
                stats.push(StepStats { name: step.name.clone(), shape, macs, bytes, time });
            }
        };
        match self.pool() {
            Some(pool) => pool.install(all),
            None => all(),
        }
        (self.finished(arena), stats)
    }

    /// The name of a class; its number if the model has no labels.
    pub fn label(&self, class: usize) -> String {
        self.labels.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// Names of the classes, in the order of the logits; none if the model has none.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.plan.maps[self.plan.logits].channels
    }

    /// How images are presented to the network.
    pub fn input(&self) -> &RecognitionInput {
        &self.input
    }

    /// What the model file says about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Threads in use.
    pub fn threads(&self) -> usize {
        self.workers.threads()
    }

    /// Name of the instruction set in use.
    pub fn isa(&self) -> &'static str {
        self.plan.isa.name()
    }

    /// The threads to divide work among; none on a thread of another pool, which has other work waiting.
    /// While waiting there for this pool, that thread would start the next piece of work, wait within that
    /// one and start another, until the stack is full.
    fn pool(&self) -> Option<&Pool> {
        self.workers.pool().filter(|_| !Pool::is_caller_in_one())
    }

    fn run_with(&self, threads: usize, input: &[f32], image: Size) -> Classification {
        let mut arena = self.filled(threads, input, image);
        engine::run(&self.plan, &mut arena);
        self.finished(arena)
    }

    /// Memory for an image, with the image in it.
    fn filled(&self, threads: usize, input: &[f32], image: Size) -> Arena {
        assert!(image.pixels() > 0, "an image has pixels");
        let mut idle = self.workers.idle();
        let fitting = idle.iter().position(|arena| arena.fits(image, threads));
        let fitting = fitting.map(|at| idle.swap_remove(at));
        drop(idle);
        let mut arena = fitting.unwrap_or_else(|| Arena::new(&self.plan, image, threads));
        let place = arena.image_mut();
        assert_eq!(place.len(), input.len(), "an image of {image} has a different number of values");
        place.copy_from_slice(input);
        arena
    }

    /// The results in an arena; the arena is kept for the next run.
    fn finished(&self, arena: Arena) -> Classification {
        let [features, logits] = [self.plan.features, self.plan.logits].map(|id| arena.vector(id).to_vec());
        let mut idle = self.workers.idle();
        if idle.len() == IDLE_ARENAS {
            idle.swap_remove(0);
        }
        idle.push(arena);
        Classification { logits, features }
    }
}

/// A vector scaled to length 1; zeros stay zeros.
pub fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
    vector
}
