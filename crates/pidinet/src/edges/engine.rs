//! Runs a plan: threads, memory and, where it is asked for, time for each step.
//!
//! The engine streams an image through the network (see `plan/schedule.rs`). A task is a few rows of one
//! step; threads take tasks as they come. Each row is computed by one thread in a fixed order, so the answer
//! depends neither on the number of threads nor on the height of the strips.

mod arena;
mod crew;
mod step;
#[cfg(test)]
mod tests;
mod wide;

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::str::FromStr;
use std::time::{Duration, Instant};

use pidinet_kernels::isa::Isa;
use pidinet_kernels::lanes::words::Format;

use super::plan::schedule::{Pace, Task};
use super::plan::{Fusion, Keep, Packing, Plan};
use crate::error::{Error, Result};
use crate::weights::Model;
use crate::workers::Workers;
use crate::{Size, UnknownName};
use arena::{Arena, Opened, Target, is_plain};
use crew::Crew;
use step::Context;
use wide::is_cut;

/// Where the rows of the network's input come from.
pub trait Input: Sync {
    /// Writes row `y` of the three channels, each as wide as the image.
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]);

    /// Writes some `columns` of row `y` of the three channels, each as wide as they are many; the image has `width`.
    fn fill_columns(&self, y: usize, width: usize, columns: Range<usize>, channels: [&mut [f32]; 3]) {
        let mut rows = [(); 3].map(|()| vec![0.0; width]);
        self.fill_row(y, rows.each_mut().map(|row| &mut row[..]));
        channels.into_iter().zip(&rows).for_each(|(dst, row)| dst.copy_from_slice(&row[columns.clone()]));
    }
}

/// How many rows of the image go through the network at a time.
///
/// The result is the same for all; the memory grows with the height of a strip, and small strips keep
/// maps in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strip {
    /// Chosen from the number of threads.
    #[default]
    Auto,
    /// The whole image at once.
    Whole,
    /// This many rows.
    Rows(NonZeroUsize),
}

/// In what numbers the network computes.
///
/// With all of them the sums that run through the layers, the depthwise convolutions and the last steps are `f32`.
/// Lower ones are for the products with most arithmetic: the 1x1 convolutions of the blocks, and the dilated ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `f32` throughout.
    #[default]
    F32,
    /// Products of bf16, 8 bits of precision, added up in `f32`. It takes AVX-512 BF16 (Cooper Lake, Sapphire Rapids, Zen
    /// 4 and later); other CPUs compute in `f32`, which they do faster.
    Bf16,
    /// Products of int8 in the blocks without projection, with sums that are exact, and of bf16 elsewhere. The model has to
    /// be [calibrated](crate::calibration); where a picture leaves the ranges it was calibrated for, that part of a
    /// block is computed in `f32`. It takes AVX-512 VNNI (Cascade Lake, Ice Lake, Zen 4 and later); other CPUs compute
    /// in `f32`.
    Int8,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::Int8];

    /// Its name: `f32`, `bf16`, `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// The format of packed values that makes it fast, where there are any.
    fn format(self) -> Option<Format> {
        match self {
            Self::F32 => None,
            Self::Bf16 => Some(Format::Bf16),
            Self::Int8 => Some(Format::Int8),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = UnknownName;

    /// Reads [`Precision::name`].
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|precision| precision.name() == text);
        named.ok_or_else(|| UnknownName::new("a precision", text, "f32, bf16 or int8"))
    }
}

/// Rows of the image that become one row of the last stage.
const ROWS_OF_LAST_STAGE: usize = 8;

/// Rows of a task: enough to share what they read, few enough to stay in the cache until they are read.
const TASK_ROWS: usize = 2;

/// Rows of fewer pixels than this are so little work that a task has more of them: an image of 8 columns else takes
/// sixteen times as long as its pixels in a square.
const SHORT_ROW: usize = 128;

/// Fewest rows of a lane: of small images several threads share one.
const LANE_ROWS: usize = 64;

/// Memory that [`TASK_ROWS`] new rows may take in all maps together. Those of wider images are computed one by
/// one, and are enough work for threads to wait for each other.
const TASK_BYTES: usize = 16 << 20;

/// Memory for each lane that an engine keeps for its next run: more than this is cheaper to get again than to hold.
const IDLE_BYTES: usize = 64 << 20;

/// How an engine runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EngineOptions {
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) isa: Option<Isa>,
    pub(crate) strip: Strip,
    pub(crate) precision: Precision,
}

/// What one step of the network did in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepStats {
    /// The parameters it uses, or the operation.
    pub name: String,
    /// `[c, h, w]` of its output.
    pub shape: [usize; 3],
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes read and written, each map once.
    pub bytes: u64,
    /// Time that the threads spent on it, divided by their number.
    pub time: Duration,
}

impl StepStats {
    /// The work of two runs.
    pub(crate) fn plus(self, other: &Self) -> Self {
        let (macs, bytes) = (self.macs + other.macs, self.bytes + other.bytes);
        Self { macs, bytes, time: self.time + other.time, ..self }
    }
}

/// A map `[c, h, w]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// The values, row by row, channel after channel.
    pub data: Vec<f32>,
}

/// A network that runs, shared by any number of callers.
#[derive(Debug)]
pub(crate) struct Engine {
    plan: Plan,
    precision: Precision,
    strip: Strip,
    /// With the memory of finished runs, for the next one of the same size.
    workers: Workers<Arena>,
}

/// The maps of a run in the order of [`Plan::keep`], and what each step took, if that was asked for.
pub(crate) struct Run {
    pub(crate) maps: Vec<Map>,
    pub(crate) times: Vec<Duration>,
}

/// Memory of a caller for the fused map, whose rows begin `row_stride` elements after each other.
pub(crate) enum Rows<'a> {
    /// Probabilities.
    Floats { data: &'a mut [f32], row_stride: usize },
    /// `floor(255 p)`.
    Bytes { data: &'a mut [u8], row_stride: usize },
}

/// Whether the steps of a run are timed. Not every target has a clock: asking for the time panics on WebAssembly
/// without a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Off,
    On,
}

impl Engine {
    pub(crate) fn new(model: &Model, keep: Keep, options: &EngineOptions) -> Result<Self> {
        Self::with_fusion(model, keep, options, Fusion::On)
    }

    fn with_fusion(model: &Model, keep: Keep, options: &EngineOptions, fusion: Fusion) -> Result<Self> {
        let isa = match options.isa {
            Some(isa) => isa,
            None => Isa::from_env()?,
        };
        let workers = Workers::new(options.threads);
        let wanted = options.precision;
        if wanted == Precision::Int8 && model.calibration.is_none() {
            return Err(Error::NotCalibrated);
        }
        let precision = match wanted.format() {
            Some(format) if !isa.packs(format) => {
                log::warn!("{isa} has no instructions for {wanted}: computing in f32");
                Precision::F32
            }
            _ => wanted,
        };
        let packing = match precision {
            Precision::F32 => Packing::default(),
            Precision::Bf16 => Packing { format: Some(Format::Bf16), blocks: None },
            Precision::Int8 => Packing {
                format: isa.packs(Format::Bf16).then_some(Format::Bf16),
                blocks: model.calibration.as_ref(),
            },
        };
        let plan = Plan::new(model, isa, packing, keep, fusion);
        log::debug!("{} steps in {precision} on {isa} with {} threads", plan.steps.len(), workers.threads());
        Ok(Self { plan, precision, strip: options.strip, workers })
    }

    pub(crate) fn threads(&self) -> usize {
        self.workers.threads()
    }

    /// The precision in use.
    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    pub(crate) fn isa(&self) -> Isa {
        self.plan.isa
    }

    /// The names of the blocks of which [`Keep::Activations`] keeps maps.
    pub(crate) fn kept_blocks(&self) -> impl Iterator<Item = &str> {
        self.plan.keep.iter().map(|&id| self.plan.steps[id].name.trim_end_matches(".conv1"))
    }

    /// What each step did in a run of this size that took these times.
    pub(crate) fn stats(&self, times: &[Duration], size: Size) -> Vec<StepStats> {
        let shapes = self.plan.shapes.iter();
        let sizes: Vec<[usize; 3]> = shapes
            .map(|shape| [shape.channels, size.height >> shape.level, size.width >> shape.level])
            .collect();
        let values = |id: usize| (self.plan.floats[id] * sizes[id][1] * sizes[id][2]) as u64;
        let steps = self.plan.steps.iter().enumerate().zip(times);
        let stats = steps.map(|((id, step), &time)| StepStats {
            name: step.name.clone(),
            shape: sizes[id],
            macs: (step.macs * sizes[id][1] * sizes[id][2]) as u64,
            bytes: 4
                * (values(id)
                    + self.plan.reads[id].inputs.iter().map(|&(input, _)| values(input)).sum::<u64>()),
            time,
        });
        stats.collect()
    }

    /// In what portions an image goes through the network, with so many threads.
    fn pace(&self, image: Size, threads: usize) -> Pace {
        let is_narrow = TASK_ROWS * self.plan.row_bytes(image.width) <= TASK_BYTES;
        let task = if is_narrow { TASK_ROWS * (SHORT_ROW / image.width).max(1) } else { 1 };
        let most_lanes = if is_narrow { (image.height / LANE_ROWS).max(1) } else { 1 };
        let team = threads.div_ceil(most_lanes); // threads that share a lane
        let lanes = threads.div_ceil(team);
        let pass = team * task;
        let overlap = is_narrow && team > 1;
        let bands = is_narrow;
        match self.strip {
            Strip::Auto => Pace { lanes, strip: ROWS_OF_LAST_STAGE * pass, pass, task, overlap, bands },
            Strip::Whole => Pace { lanes, strip: image.height, pass: image.height, task, overlap, bands },
            Strip::Rows(rows) => {
                let rows = rows.get().div_ceil(lanes);
                Pace { lanes, strip: rows, pass: pass.min(rows), task, overlap, bands }
            }
        }
    }

    /// Runs the network on an image of this size, sides of at least 8.
    pub(crate) fn run(&self, input: &dyn Input, size: Size) -> Run {
        self.run_with(Clock::Off, input, size)
    }

    /// [`Self::run`], with what each step took.
    pub(crate) fn profile(&self, input: &dyn Input, size: Size) -> Run {
        self.run_with(Clock::On, input, size)
    }

    fn run_with(&self, clock: Clock, input: &dyn Input, image: Size) -> Run {
        if is_cut(image.width) {
            return self.run_pieces(clock, input, image);
        }
        self.finish(self.arena(image), |arena| self.stream(arena, input, clock))
    }

    /// Does all `work` in an arena, and takes the maps out of it.
    fn finish(&self, mut arena: Arena, work: impl FnOnce(&Opened<'_>) -> Vec<Duration>) -> Run {
        let ids = 0..self.plan.steps.len();
        let mut plain: Vec<Vec<f32>> = ids.map(|id| arena.plain(id)).collect();
        let times = work(&arena.open(Target::Kept(&mut plain)));
        let maps = self.plan.keep.iter().map(|&id| {
            let Size { height, width } = arena.layout(id).size;
            let shape = [arena.layout(id).channels, height, width];
            let pixels = std::mem::take(&mut plain[id]);
            Map { shape, data: if pixels.is_empty() { arena.pixels(id) } else { pixels } }
        });
        let maps = maps.collect();
        if arena.bytes() <= arena.schedule.lanes.len() * IDLE_BYTES {
            self.workers.idle().push(arena);
        }
        Run { maps, times }
    }

    /// Whether [`Self::run_into`] can be used for images of this width: no map but the fused one is kept, and it is made in
    /// one piece.
    pub(crate) fn runs_into(&self, width: usize) -> bool {
        !is_cut(width) && matches!(self.plan.keep[..], [id] if is_plain(&self.plan.steps[id].op))
    }

    /// [`Self::run`] for the fused map alone, which is written to the caller's memory.
    ///
    /// All memory is kept for the next run: who brings memory of his own has more images of this size.
    pub(crate) fn run_into(&self, input: &dyn Input, size: Size, rows: Rows<'_>) {
        assert!(self.runs_into(size.width), "other maps are kept, too, or the image is cut");
        let mut arena = self.arena(size);
        let target = Target::Caller { id: self.plan.keep[0], rows };
        self.stream(&arena.open(target), input, Clock::Off);
        self.workers.idle().push(arena);
    }

    /// Memory for an image of this size, from an earlier run if there is one.
    fn arena(&self, image: Size) -> Arena {
        assert!(image.shorter() >= 8, "{image} is smaller than a pixel of the last stage");
        let mut idle = self.workers.idle();
        let fitting = idle.iter().position(|arena| arena.image == image);
        let fitting = fitting.map(|at| idle.swap_remove(at));
        if fitting.is_none() {
            idle.clear(); // sizes of the past: their memory is worth more than their reuse
        }
        drop(idle);
        fitting.unwrap_or_else(|| {
            Arena::new(&self.plan, image, self.pace(image, self.threads()), self.threads())
        })
    }

    /// All tasks of the schedule, and what each step took, if the clock is on.
    fn stream(&self, arena: &Opened<'_>, input: &dyn Input, clock: Clock) -> Vec<Duration> {
        let crew = Crew::new(&arena.schedule.lanes);
        let work = |thread: usize| self.work(arena, &crew, thread, input, clock);
        match self.workers.pool() {
            None => work(0),
            Some(pool) => {
                let times = pool.broadcast(|thread| work(thread.index()));
                let sum = |id: usize| times.iter().map(|times| times[id]).sum::<Duration>();
                (0..times[0].len()).map(|id| sum(id) / self.threads() as u32).collect()
            }
        }
    }
    /// What one thread does of the tasks, and what each step took it, if the clock is on.
    fn work(
        &self,
        arena: &Opened<'_>,
        crew: &Crew<'_>,
        thread: usize,
        input: &dyn Input,
        clock: Clock,
    ) -> Vec<Duration> {
        let steps = if clock == Clock::On { self.plan.steps.len() } else { 0 };
        let mut times = vec![Duration::ZERO; steps];
        let mut scratch = arena.scratch(thread);
        let mut line = Vec::new();
        let run = |Task { id, rows, reads, .. }: &Task| {
            let start = (clock == Clock::On).then(Instant::now);
            let context = Context {
                isa: self.plan.isa,
                op: &self.plan.steps[*id].op,
                input,
                maps: arena.read(reads),
                layout: arena.layout(*id),
                resizes: &arena.schedule.resizes[*id],
                bands: arena.schedule.bands,
            };
            if arena.is_bytes(*id) {
                line.resize(context.layout.size.width, 0.0);
                for y in rows.clone() {
                    context.rows(y, vec![&mut line], &mut scratch);
                    arena.write_bytes(y, &line);
                }
            } else {
                let mut blocks = arena.write(*id, rows.clone());
                let blocks: Vec<&mut [f32]> = blocks.iter_mut().map(|block| &mut block[..]).collect();
                context.rows(rows.start, blocks, &mut scratch);
            }
            if let Some(start) = start {
                times[*id] += start.elapsed();
            }
        };
        crew.work(thread, run);
        times
    }
}
