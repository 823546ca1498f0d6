//! From images to files of their edges, many at a time: what `detect` and `lines` have in common.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueHint;
use pidinet::files::{MOST_STREAM, read_all};
use pidinet::image::{FloatRange, Image, ImageLimits, Opened, PixelFormat, PixelLayout, ReadOptions};
use pidinet::{DetectorOptions, EdgeDetector, EdgeMap, Error, Size};

use crate::inputs::{self, Source};
use crate::network::NetworkArgs;
use crate::options::{EngineArgs, pixels};
use crate::ui::{self, Batch, usage};

mod files;
mod in_order;
mod outputs;
mod record;
mod unused;

pub(crate) use files::{DOZEN, sync_all};
use files::{Folders, Prepared};
pub(crate) use outputs::{Companion, FileFormat};
use outputs::{Job, Output, Request};
use record::{Milliseconds, Record};

/// Which images to read, where results go, and how the network is run.
#[derive(clap::Args, Debug)]
pub(crate) struct Images {
    /// Images, folders of images, patterns such as '*.jpg', or - for standard input
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// Output: a file, - for standard output, or a folder if it exists, ends in /, or there are several images
    /// [default: the folder edges, or lines; prints the name of each file]
    #[arg(short, long, value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath)]
    pub(crate) output: Option<PathBuf>,

    /// Search folders recursively; the output mirrors their tree
    #[arg(short, long)]
    pub(crate) recursive: bool,

    #[command(flatten)]
    pub(crate) network: NetworkArgs,

    /// Shrink images whose longer side exceeds N pixels; their maps have the smaller size
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_side: Option<u32>,

    /// Reject images with more than N pixels
    #[arg(long, value_name = "N", default_value = "256M", value_parser = pixels)]
    pub(crate) max_pixels: u64,

    /// Black and white levels of TIFF images, such as 0,255 for floats or 0,4095 for 12-bit data in 16 bits
    /// [default: 0,1 for floats, the full range for integers]. Values outside are an error
    #[arg(long, value_name = "LO,HI", allow_hyphen_values = true)]
    pub(crate) range: Option<FloatRange>,

    /// Decode as much as possible of truncated JPEG and PNG images, with a warning
    #[arg(long)]
    pub(crate) accept_damaged: bool,

    /// Skip images whose output already exists
    #[arg(long)]
    pub(crate) skip_existing: bool,

    /// Print one line of JSON per image: file names, size, and milliseconds for decode, network, post, write
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// What is made from the edges of an image.
pub(crate) trait Product: Sync {
    /// The formats of its files.
    type Format: FileFormat;
    /// The edges after post-processing, ready to be encoded.
    type Finished;

    /// The format that was asked for.
    fn format(&self) -> Option<Self::Format>;

    /// Further files for an image besides the first.
    fn companions(&self, format: Self::Format) -> Vec<Companion>;

    /// Whether the side outputs of the four stages are wanted as well.
    fn sides(&self) -> bool;

    /// Whether the inputs are already edge maps, so that no network is needed.
    fn takes_maps(&self) -> bool;

    /// Reads an input that is an edge map.
    fn map(&self, source: &Source, limits: &ImageLimits) -> anyhow::Result<EdgeMap>;

    /// Refuses options that contradict each other, and files named by options that cannot be used.
    fn check(&self, format: Self::Format, images: usize) -> anyhow::Result<()>;

    /// Refuses an input whose files could not be written in the end, before anything is computed for it.
    fn check_input(&self, format: Self::Format, source: &Source) -> anyhow::Result<()>;

    /// Post-processes maps: the edges first, then those of the stages.
    fn finish(&self, maps: Vec<EdgeMap>) -> Self::Finished;

    /// The content of each file: the first, then those of the companions.
    fn encode(
        &self,
        finished: &Self::Finished,
        format: Self::Format,
        origin: &Origin,
    ) -> anyhow::Result<Vec<Vec<u8>>>;
}

/// What edges were found in.
pub(crate) struct Origin<'a> {
    pub(crate) source: &'a Source,
    /// None where edges were ready.
    pub(crate) image: Option<&'a Image>,
    /// The size before `--max-side`.
    pub(crate) size: Size,
}

impl Images {
    /// Makes a product of each image.
    pub(crate) fn run<P: Product>(&self, product: &P) -> anyhow::Result<ExitCode> {
        let mut found = inputs::find(&self.inputs, self.recursive)?;
        let request = Request { output: self.output.as_deref(), format: product.format() };
        if let Some(folder) = outputs::folder(&found, &request) {
            found.leave_out(folder);
        }
        let (jobs, format) = outputs::plan(&found, &request, |format| product.companions(format))?;
        if product.takes_maps() {
            let others = [("--range", self.range.is_some()), ("--accept-damaged", self.accept_damaged)];
            unused::check(&self.network, &self.engine, &others)?;
        }
        product.check(format, jobs.len())?;
        if self.json && jobs.iter().any(|job| job.output == Output::Stdout) {
            return Err(usage!("--json and -o - would both write to standard output"));
        }
        let engines = match product.takes_maps() {
            true => None,
            false => Some(self.engines(jobs.len(), product.sides())?),
        };
        let threads = pidinet::threads::count(self.engine.threads);
        let workers = engines.as_ref().map_or(threads, |engines| engines.workers);
        let work = Work { images: self, product, format, engines };

        let mut batch = Batch::new(found.failures.len() + jobs.len());
        found.failures.iter().for_each(|failure| batch.failed(failure));
        let progress = batch.progress();
        let one = |number: usize| {
            let job: &Job = &jobs[number];
            progress.begin(job.input.name());
            work.one(job)
        };
        let mut folders = Folders::default();
        let settle = |mut all: Vec<anyhow::Result<Done>>| {
            let clock = Instant::now();
            files::sync_together(all.iter_mut().flatten().flat_map(|done| &mut done.files));
            let waited = milliseconds(clock.elapsed());
            all.into_iter().map(|done| done.and_then(|done| done.settle(&mut folders, waited))).collect()
        };
        in_order::in_order(jobs.len(), workers, one, settle, |number, result| {
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

    /// If there are at least two images for each thread, each thread works on an image of its own: none waits
    /// for another, and while one computes, another reads or writes.
    fn engines(&self, images: usize, sides: bool) -> anyhow::Result<Engines> {
        let model = self.network.model()?;
        let threads = pidinet::threads::count(self.engine.threads);
        let many = threads > 1 && images >= 2 * threads;
        let single = DetectorOptions { threads: Some(NonZeroUsize::MIN), ..self.options(sides) };
        Ok(Engines {
            workers: if many { threads } else { 1 },
            all: EdgeDetector::new(&model, &self.options(sides))?,
            single: many.then(|| EdgeDetector::new(&model, &single)).transpose()?,
            turn: RwLock::new(()),
        })
    }

    fn options(&self, sides: bool) -> DetectorOptions {
        DetectorOptions { sides, ..self.network.options(&self.engine) }
    }

    fn reading(&self) -> ReadOptions {
        let limits = ImageLimits::default();
        // Room for four samples of 16 bits, the most that a common file has.
        let max_bytes = limits.max_bytes.max(self.max_pixels.saturating_mul(8));
        let limits = ImageLimits { max_pixels: self.max_pixels, max_bytes };
        ReadOptions { limits, range: self.range, accept_damaged: self.accept_damaged }
    }

    /// An image, and its size before `--max-side`.
    fn read(&self, source: &Source, options: &ReadOptions) -> anyhow::Result<(Opened, Size)> {
        let opened = match source {
            Source::File(path) => Image::open_with(path, options)?,
            Source::Stdin => {
                let bytes =
                    read_all(std::io::stdin().lock(), MOST_STREAM).context("cannot use standard input")?;
                Image::decode_with(&bytes, options).context("cannot use standard input")?
            }
        };
        let size = opened.image.size();
        let opened = match self.max_side {
            Some(side) => Opened { image: opened.image.fitted(side as usize), ..opened },
            None => opened,
        };
        Ok((opened, size))
    }

    /// A map, smaller where `--max-side` wants it so.
    fn fitted(&self, map: EdgeMap) -> anyhow::Result<EdgeMap> {
        let longer = map.width().max(map.height());
        let Some(side) = self.max_side.map(|side| side as usize).filter(|&side| side < longer) else {
            return Ok(map);
        };
        let layout = PixelLayout::packed(map.size(), PixelFormat::Grey);
        let image = Image::from_f32(map.data(), &layout)?.fitted(side);
        let Size { height, width } = image.size();
        let value = |at: usize| image.rgb(at % width, at / width)[0];
        Ok(EdgeMap::new(image.size(), (0..width * height).map(value).collect()))
    }

    /// The line printed for a finished image.
    fn line(&self, job: &Job, record: &Record) -> Option<String> {
        if self.json {
            return Some(record.json());
        }
        self.output.is_none().then(|| job.output.name())
    }
}

/// What all images share while they are processed.
struct Work<'a, P: Product> {
    images: &'a Images,
    product: &'a P,
    format: P::Format,
    /// `None` if the inputs are edge maps.
    engines: Option<Engines>,
}

impl<P: Product> Work<'_, P> {
    /// From one image to its files.
    fn one(&self, job: &Job) -> anyhow::Result<Done> {
        if self.images.skip_existing && job.is_there(self.format) {
            return Ok(Done { record: Record::skipped(job), files: Vec::new() });
        }
        let mut clock = Clock::start();
        let source = &job.input.source;
        self.product.check_input(self.format, source)?;
        let reading = self.images.reading();
        let Some(engines) = &self.engines else {
            let map = self.product.map(source, &reading.limits)?;
            let origin = Origin { source, image: None, size: map.size() };
            let map = self.images.fitted(map)?;
            let times = Milliseconds { decode: clock.lap(), ..Milliseconds::default() };
            let record = Record::done(job, (map.width(), map.height()), None, times);
            return self.files(job, vec![map], &origin, record, clock);
        };
        if let (Some(detector), Source::File(_)) = (&engines.single, source) {
            let _beside_others = engines.turn.read().unwrap_or_else(PoisonError::into_inner);
            let max_pixels = reading.limits.max_pixels.min(LARGE);
            let small = ReadOptions { limits: ImageLimits { max_pixels, ..reading.limits }, ..reading };
            let clock = Clock::start();
            match self.images.read(source, &small) {
                Ok(read) => return self.edges(job, detector, read, clock),
                Err(error) if is_large(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let _alone = engines.turn.write().unwrap_or_else(PoisonError::into_inner);
        let clock = Clock::start();
        let read = self.images.read(source, &reading)?;
        self.edges(job, &engines.all, read, clock)
    }

    /// From pixels to files.
    fn edges(
        &self,
        job: &Job,
        detector: &EdgeDetector,
        (Opened { image, damage }, size): (Opened, Size),
        mut clock: Clock,
    ) -> anyhow::Result<Done> {
        if let Some(damage) = damage {
            log::warn!("{}: {damage}", job.input.name());
        }
        let decode = clock.lap();
        let found = detector.detect(&image)?;
        let times = Milliseconds { decode, network: clock.lap(), ..Milliseconds::default() };
        let maps = std::iter::once(found.edges).chain(found.sides.into_iter().flatten()).collect();
        let record = Record::done(job, (image.width(), image.height()), damage, times);
        let origin = Origin { source: &job.input.source, image: Some(&image), size };
        self.files(job, maps, &origin, record, clock)
    }

    /// From maps to files.
    fn files(
        &self,
        job: &Job,
        maps: Vec<EdgeMap>,
        origin: &Origin,
        mut record: Record,
        mut clock: Clock,
    ) -> anyhow::Result<Done> {
        let finished = self.product.finish(maps);
        record.add_post(clock.lap());
        let contents = self.product.encode(&finished, self.format, origin)?;
        let files = job.outputs().zip(contents).map(|(output, bytes)| Prepared::new(output, bytes));
        let files = files.collect::<anyhow::Result<Vec<Prepared>>>()?;
        record.add_write(clock.lap());
        Ok(Done { record, files })
    }
}

/// The detectors that process a batch of images.
struct Engines {
    /// Number of images at a time.
    workers: usize,
    /// Uses all threads.
    all: EdgeDetector,
    /// Uses one thread, for workers with an image each.
    single: Option<EdgeDetector>,
    /// A large image runs alone, as a writer; the others are readers.
    turn: RwLock<()>,
}

/// Images with more pixels are processed one at a time by all threads, so that memory does not grow with the
/// number of threads.
const LARGE: u64 = 4_000_000;

/// Whether an image was refused because of its size.
fn is_large(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<Error>());
    causes.any(|cause| match cause {
        Error::ImageFile { source, .. } => matches!(**source, Error::TooManyPixels { .. }),
        _ => false,
    })
}

/// A finished image whose files have yet to be moved into place.
struct Done {
    record: Record,
    files: Vec<Prepared>,
}

impl Done {
    /// Moves the files into place; syncing them took `waited` milliseconds.
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
