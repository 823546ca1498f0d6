//! `pidinet detect`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueHint;
use pidinet::files::{MOST_STREAM, read_all};
use pidinet::image::{FloatRange, Image, ImageLimits, Opened, Preset, ReadOptions};
use pidinet::save::{Format, SaveOptions};
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap, Error};

use crate::detail::DetailArgs;
use crate::inputs::{self, Source};
use crate::model::ModelArgs;
use crate::options::{EngineArgs, one_of, pixels, scale};
use crate::ui::{self, Batch, usage};

mod files;
mod finish;
mod in_order;
mod outputs;
mod record;

use files::{Folders, Prepared};
use finish::Finish;
use outputs::{Job, Output, Request};
use record::{Milliseconds, Record};

/// Detect edges in images
///
/// Reads PNG, JPEG, WebP, GIF, BMP, TIFF and PNM, applies the EXIF orientation, and writes an edge map of the same
/// size for each image: the probability that a pixel is an edge, from 0 (black) to 1 (white).
///
/// If an image fails, the others are still processed, and the failures are listed at the end. Exit codes: 0 success,
/// 1 some images failed, 2 wrong usage, 130 interrupted. Files are written whole or not at all.
#[derive(clap::Args, Debug)]
pub(crate) struct Detect {
    /// Images, folders of images, patterns such as '*.jpg', or - for standard input
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    inputs: Vec<PathBuf>,

    /// Output: a file, - for standard output, or a folder if it exists, ends in /, or there are several images
    /// [default: the folder edges; prints the name of each map]
    #[arg(short, long, value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath)]
    output: Option<PathBuf>,

    /// Search folders recursively; the output mirrors their tree
    #[arg(short, long)]
    recursive: bool,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    detail: DetailArgs,

    /// Normalisation of the network's input [default: the model's own]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(&["imagenet", "controlnet"]))]
    preset: Option<Preset>,

    /// Output format [default: from the extension of -o FILE, else png]. npy and npz store probabilities as
    /// float32; the others store floor(255 p), or floor(65535 p) for png16 and tiff
    #[arg(long, value_name = "FORMAT",
        value_parser = one_of::<Format>(&["png", "png16", "jpg", "webp", "tiff", "npy", "npz"]))]
    format: Option<Format>,

    /// Average the maps of the image at these scales, such as 0.5,1,1.5
    #[arg(long, value_name = "S,...", value_delimiter = ',', value_parser = scale, default_value = "1")]
    scales: Vec<f32>,

    /// Shrink images whose longer side exceeds N pixels; their maps have the smaller size
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_side: Option<u32>,

    /// Also write the side outputs of the four stages, fine to coarse: STEM-side1.png to STEM-side4.png, or arrays
    /// side1 to side4 in the npz file
    #[arg(long)]
    side_outputs: bool,

    /// Reject images with more than N pixels
    #[arg(long, value_name = "N", default_value = "256M", value_parser = pixels)]
    max_pixels: u64,

    /// Black and white levels of TIFF images, such as 0,255 for floats or 0,4095 for 12-bit data in 16 bits
    /// [default: 0,1 for floats, the full range for integers]. Values outside are an error
    #[arg(long, value_name = "LO,HI", allow_hyphen_values = true)]
    range: Option<FloatRange>,

    /// Decode as much as possible of truncated JPEG and PNG images, with a warning
    #[arg(long)]
    accept_damaged: bool,

    /// Skip images whose edge maps already exist
    #[arg(long)]
    skip_existing: bool,

    /// Print one line of JSON per image: file names, size, and milliseconds for decode, network, post, write
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    engine: EngineArgs,

    // Last: what follows a heading belongs to it.
    #[command(flatten)]
    finish: Finish,
}

impl Detect {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut found = inputs::find(&self.inputs, self.recursive)?;
        if let Some(folder) = outputs::folder(&found, &self.request()) {
            found.leave_out(folder);
        }
        let (jobs, format) = outputs::plan(&found, &self.request())?;
        self.check(&jobs, format)?;
        let engines = self.engines(jobs.len())?;

        let mut batch = Batch::new(found.failures.len() + jobs.len());
        found.failures.iter().for_each(|failure| batch.failed(failure));
        let progress = batch.progress();
        let work = |number: usize| {
            let job: &Job = &jobs[number];
            progress.begin(job.input.name());
            self.one(job, format, &engines)
        };
        let mut folders = Folders::default();
        let settle = |mut all: Vec<anyhow::Result<Done>>| {
            let clock = Instant::now();
            files::sync_together(all.iter_mut().flatten().flat_map(|done| &mut done.files));
            let waited = milliseconds(clock.elapsed());
            all.into_iter().map(|done| done.and_then(|done| done.settle(&mut folders, waited))).collect()
        };
        in_order::in_order(jobs.len(), engines.workers, work, settle, |number, result| {
            let job = &jobs[number];
            match result {
                Ok(record) => batch.done(self.line(job, &record).as_deref()),
                Err(error) if ui::is_closed_pipe(&error) => return Err(error),
                Err(error) => {
                    batch.failed(&error);
                    if self.json {
                        batch.tell(&Record::failed(job, &error).json());
                    }
                }
            }
            Ok(())
        })?;
        Ok(batch.end())
    }

    /// Where there is an image for each thread to begin with and one to go on with, threads work on images of
    /// their own: none waits for another, and while one computes another reads or writes.
    fn engines(&self, images: usize) -> anyhow::Result<Engines> {
        let model = self.model.open_at(&self.detail)?;
        let threads = pidinet::threads::count(self.engine.threads);
        let many = threads > 1 && images >= 2 * threads;
        let single = DetectorOptions { threads: Some(NonZeroUsize::MIN), ..self.options() };
        Ok(Engines {
            workers: if many { threads } else { 1 },
            all: EdgeDetector::new(&model, &self.options())?,
            single: many.then(|| EdgeDetector::new(&model, &single)).transpose()?,
            turn: RwLock::new(()),
        })
    }

    fn request(&self) -> Request<'_> {
        Request { output: self.output.as_deref(), format: self.format, sides: self.side_outputs }
    }

    /// Refuses options that contradict each other.
    fn check(&self, jobs: &[Job], format: Format) -> anyhow::Result<()> {
        self.finish.check(format)?;
        if self.json && jobs.iter().any(|job| job.output == Output::Stdout) {
            return Err(usage!("--json and -o - would both write to standard output"));
        }
        Ok(())
    }

    fn options(&self) -> DetectorOptions {
        DetectorOptions {
            threads: self.engine.threads,
            isa: self.engine.isa,
            precision: self.engine.precision,
            strip: self.engine.strip,
            sides: self.side_outputs,
            scales: self.scales.clone(),
            preset: self.preset,
        }
    }

    fn reading(&self) -> ReadOptions {
        let limits = ImageLimits::default();
        // Room for four samples of 16 bits, the most that a common file has.
        let max_bytes = limits.max_bytes.max(self.max_pixels.saturating_mul(8));
        let limits = ImageLimits { max_pixels: self.max_pixels, max_bytes };
        ReadOptions { limits, range: self.range, accept_damaged: self.accept_damaged }
    }

    /// From one image to its files.
    fn one(&self, job: &Job, format: Format, engines: &Engines) -> anyhow::Result<Done> {
        if self.skip_existing && job.outputs().all(|output| output.is_there(format)) {
            return Ok(Done { record: Record::skipped(job), files: Vec::new() });
        }
        let reading = self.reading();
        if let (Some(detector), Source::File(_)) = (&engines.single, &job.input.source) {
            let _beside_others = engines.turn.read().unwrap_or_else(PoisonError::into_inner);
            let max_pixels = reading.limits.max_pixels.min(LARGE);
            let small = ReadOptions { limits: ImageLimits { max_pixels, ..reading.limits }, ..reading };
            let clock = Clock::start();
            match self.read(&job.input.source, &small) {
                Ok(opened) => return self.edges(job, format, detector, &opened, clock),
                Err(error) if is_large(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let _alone = engines.turn.write().unwrap_or_else(PoisonError::into_inner);
        let clock = Clock::start();
        let opened = self.read(&job.input.source, &reading)?;
        self.edges(job, format, &engines.all, &opened, clock)
    }

    /// From pixels to files.
    fn edges(
        &self,
        job: &Job,
        format: Format,
        detector: &EdgeDetector,
        opened: &Opened,
        mut clock: Clock,
    ) -> anyhow::Result<Done> {
        let Opened { image, damage } = opened;
        if let Some(damage) = damage {
            log::warn!("{}: {damage}", job.input.name());
        }
        let decode = clock.lap();
        let found = detector.detect(image)?;
        let network = clock.lap();
        let maps = std::iter::once(found.edges).chain(found.sides.into_iter().flatten());
        let maps: Vec<EdgeMap> = maps.map(|map| self.finish.apply(map)).collect();
        let post = clock.lap();
        let contents = self.encode(image, &maps, format)?;
        let files = job.outputs().zip(contents).map(|(output, bytes)| Prepared::new(output, bytes));
        let files = files.collect::<anyhow::Result<Vec<Prepared>>>()?;
        let milliseconds = Milliseconds { decode, network, post, write: clock.lap() };
        Ok(Done { record: Record::done(job, image, *damage, milliseconds), files })
    }

    fn read(&self, source: &Source, options: &ReadOptions) -> anyhow::Result<Opened> {
        let opened = match source {
            Source::File(path) => Image::open_with(path, options)?,
            Source::Stdin => {
                let bytes =
                    read_all(std::io::stdin().lock(), MOST_STREAM).context("cannot use standard input")?;
                Image::decode_with(&bytes, options).context("cannot use standard input")?
            }
        };
        Ok(match self.max_side {
            Some(side) => Opened { image: opened.image.fitted(side as usize), ..opened },
            None => opened,
        })
    }

    /// The files of an image: of the edges, and of the stages where those have files of their own.
    fn encode(&self, image: &Image, maps: &[EdgeMap], format: Format) -> pidinet::Result<Vec<Vec<u8>>> {
        let options = SaveOptions::default();
        if format == Format::Npz {
            let arrays: Vec<_> = ARRAYS.into_iter().zip(maps).collect();
            return Ok(vec![pidinet::save::npz(&arrays)?]);
        }
        let file = |map| match self.finish.overlay {
            Some(colour) => pidinet::post::overlay(image, map, colour.0).encode(format, &options),
            None => map.encode(format, &options),
        };
        maps.iter().map(file).collect()
    }

    /// What is printed about an image that is done.
    fn line(&self, job: &Job, record: &Record) -> Option<String> {
        if self.json {
            return Some(record.json());
        }
        self.output.is_none().then(|| job.output.name())
    }
}

/// What a batch of images is done with.
struct Engines {
    /// Images at a time.
    workers: usize,
    /// With all threads.
    all: EdgeDetector,
    /// With one thread, for workers that have an image each.
    single: Option<EdgeDetector>,
    /// Large images are alone: a writer. The others are readers.
    turn: RwLock<()>,
}

/// Images of more pixels are done one at a time by all threads, so that memory does not grow with the number
/// of threads.
const LARGE: u64 = 4_000_000;

/// Whether an image was refused for its size.
fn is_large(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<Error>());
    causes.any(|cause| match cause {
        Error::ImageFile { source, .. } => matches!(**source, Error::TooManyPixels { .. }),
        _ => false,
    })
}

/// Names of the arrays in an npz file.
const ARRAYS: [&str; 5] = ["edges", "side1", "side2", "side3", "side4"];

/// An image that is done but for its files, which have yet to take their places.
struct Done {
    record: Record,
    files: Vec<Prepared>,
}

impl Done {
    /// Lets the files, for whose syncing it `waited` so many milliseconds, take their places.
    fn settle(mut self, folders: &mut Folders, waited: f64) -> anyhow::Result<Record> {
        let clock = Instant::now();
        self.files.into_iter().try_for_each(|file| folders.put(file))?;
        self.record.add_write(waited + milliseconds(clock.elapsed()));
        Ok(self.record)
    }
}

/// A stopwatch with laps.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start or the last lap.
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let lap = now - self.0;
        self.0 = now;
        milliseconds(lap)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
