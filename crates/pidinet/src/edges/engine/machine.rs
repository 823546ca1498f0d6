//! The engine: a plan, threads and memory, and how an image goes through them.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use pidinet_kernels::caches;
use pidinet_kernels::isa::Isa;
use pidinet_kernels::lanes::words::Format;
use smallvec::SmallVec;

use super::arena::{Arena, FEW, Opened, Target};
use super::crew::Crew;
use super::step::Context;
use crate::edges::input::Input;
use crate::edges::options::{DetectorOptions, Precision, Strip};
use crate::edges::plan::{Fusion, Keep, Packing, Plan};
use crate::edges::schedule::task::{Pace, Task};
use crate::error::{Error, Result};
use crate::size::Size;
use crate::steps::StepStats;
use crate::weights::Model;
use crate::workers::Workers;

/// Rows of the image that become one row of the last stage.
const ROWS_OF_LAST_STAGE: usize = 8;

/// Rows of a task: enough to share what they read, few enough to stay in the cache until the next step reads
/// them.
const TASK_ROWS: usize = 2;

/// Rows shorter than this, in pixels, are so little work that a task gets more of them: otherwise an image of
/// 8 columns takes sixteen times as long as a square one with as many pixels.
const SHORT_ROW: usize = 128;

/// Fewest rows of a stream: in small images, several threads share a stream.
const STREAM_ROWS: usize = 64;

/// Memory that [`TASK_ROWS`] new rows may take in all maps together. In wider images, rows are computed one
/// by one, and each is enough work for threads to wait for each other.
const TASK_BYTES: usize = 16 << 20;

/// Memory for each stream that an engine keeps for its next run: a larger amount is cheaper to allocate again
/// than to hold.
const IDLE_BYTES: usize = 64 << 20;

/// How an engine runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EngineOptions {
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) isa: Option<Isa>,
    pub(crate) strip: Strip,
    pub(crate) precision: Precision,
}

impl From<&DetectorOptions> for EngineOptions {
    fn from(options: &DetectorOptions) -> Self {
        let &DetectorOptions { threads, isa, strip, precision, .. } = options;
        Self { threads, isa, strip, precision }
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
    pub(super) plan: Plan,
    precision: Precision,
    strip: Strip,
    /// With the memory of finished runs, for the next one of the same size.
    pub(super) workers: Workers<Arena>,
}

/// The maps of a run in the order of [`Plan::keep`], and the time of each step if it was asked for.
pub(crate) struct Run {
    pub(crate) maps: Vec<Map>,
    pub(crate) times: Vec<Duration>,
}

/// Whether the steps of a run are timed. Not every target has a clock: on WebAssembly without a system,
/// asking for the time panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    Off,
    On,
}

impl Engine {
    pub(crate) fn new(model: &Model, keep: Keep, options: &EngineOptions) -> Result<Self> {
        Self::with_fusion(model, keep, options, Fusion::On)
    }

    pub(super) fn with_fusion(
        model: &Model,
        keep: Keep,
        options: &EngineOptions,
        fusion: Fusion,
    ) -> Result<Self> {
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
            Precision::Bf16 => Packing { format: Some(Format::Bf16), ..Packing::default() },
            Precision::Int8 => Packing {
                format: isa.packs(Format::Bf16).then_some(Format::Bf16),
                blocks: model.calibration.as_ref(),
                int16: isa.packs(Format::Int16),
            },
        };
        let plan = Plan::new(model, isa, packing, keep, fusion);
        log::debug!(
            "{} steps in {precision} on {isa} with {} threads, {} KiB of second-level cache each",
            plan.steps.len(),
            workers.threads(),
            caches::second_level() >> 10
        );
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

    /// In what portions an image goes through the network with this many threads.
    pub(super) fn pace(&self, image: Size, threads: usize) -> Pace {
        let is_narrow = TASK_ROWS * self.plan.row_bytes(image.width) <= TASK_BYTES;
        let task = if is_narrow { TASK_ROWS * (SHORT_ROW / image.width).max(1) } else { 1 };
        let most_streams = if is_narrow { (image.height / STREAM_ROWS).max(1) } else { 1 };
        let team = threads.div_ceil(most_streams); // threads that share a stream
        let streams = threads.div_ceil(team);
        let pass = team * task;
        let overlap = is_narrow && team > 1;
        let bands = is_narrow;
        match self.strip {
            Strip::Auto => Pace { streams, strip: ROWS_OF_LAST_STAGE * pass, pass, task, overlap, bands },
            Strip::Whole => Pace { streams, strip: image.height, pass: image.height, task, overlap, bands },
            Strip::Rows(rows) => {
                let rows = rows.get().div_ceil(streams);
                Pace { streams, strip: rows, pass: pass.min(rows), task, overlap, bands }
            }
        }
    }

    /// Does all `work` in an arena, and takes the maps out of it.
    pub(super) fn run_in(&self, arena: &mut Arena, work: impl FnOnce(&Opened<'_>) -> Vec<Duration>) -> Run {
        let ids = 0..self.plan.steps.len();
        let mut plain: Vec<Vec<f32>> = ids.map(|id| arena.plain(id)).collect();
        let times = work(&arena.open(Target::Kept(&mut plain)));
        let maps = self.plan.keep.iter().map(|&id| {
            let Size { height, width } = arena.layout(id).size;
            let shape = [arena.layout(id).channels, height, width];
            let pixels = std::mem::take(&mut plain[id]);
            Map { shape, data: if pixels.is_empty() { arena.pixels(id) } else { pixels } }
        });
        Run { maps: maps.collect(), times }
    }

    /// Keeps the memory of a run for the next one, if it is not too much.
    pub(super) fn keep(&self, arena: Arena) {
        if is_cheap(&arena) {
            self.workers.idle().push(arena);
        }
    }

    /// Memory for an image of this size, from an earlier run if there is one. That of one other size is kept, since
    /// upright and flat photographs take turns: to plan and to clear it anew takes 5 % of the time of `tiny` at 481x321.
    pub(super) fn arena(&self, image: Size) -> Arena {
        assert!(image.shorter() >= 8, "{image} is smaller than a pixel of the last stage");
        let mut idle = self.workers.idle();
        let fitting = idle.iter().position(|arena| arena.image == image);
        let fitting = fitting.map(|at| idle.remove(at));
        if fitting.is_none() {
            // Of sizes before the last one, the memory is worth more than its reuse.
            let last = idle.last().map(|arena| arena.image);
            idle.retain(|arena| Some(arena.image) == last && is_cheap(arena));
        }
        drop(idle);
        fitting.unwrap_or_else(|| {
            Arena::new(&self.plan, image, self.pace(image, self.threads()), self.threads())
        })
    }

    /// Runs all tasks of the schedule. Returns the time of each step, if the clock is on.
    pub(super) fn stream(&self, arena: &Opened<'_>, input: &dyn Input, clock: Clock) -> Vec<Duration> {
        let crew = Crew::new(&arena.schedule.streams);
        let work = |thread: usize| self.work(arena, &crew, thread, input, clock);
        match self.workers.pool() {
            None => work(0),
            Some(pool) => {
                let times = pool.on_each(work);
                let sum = |id: usize| times.iter().map(|times| times[id]).sum::<Duration>();
                (0..times[0].len()).map(|id| sum(id) / self.threads() as u32).collect()
            }
        }
    }
    /// One thread's share of the tasks, and the time it spent on each step, if the clock is on.
    pub(super) fn work(
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
                    context.rows(y, &mut [&mut line], &mut scratch);
                    arena.write_bytes(y, &line);
                }
            } else {
                let mut blocks = arena.write(*id, rows.clone());
                let mut blocks: SmallVec<[&mut [f32]; FEW]> =
                    blocks.iter_mut().map(|block| &mut block[..]).collect();
                context.rows(rows.start, &mut blocks, &mut scratch);
            }
            if let Some(start) = start {
                times[*id] += start.elapsed();
            }
        };
        crew.work(thread, run);
        times
    }
}

/// Whether memory is worth being kept while it is not used.
fn is_cheap(arena: &Arena) -> bool {
    arena.bytes() <= arena.schedule.streams.len() * IDLE_BYTES
}
