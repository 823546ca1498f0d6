//! Runs a plan: threads, memory, time for each step.
//!
//! The engine streams an image through the network in strips (see `plan/schedule.rs`). The rows of
//! one step are shared out among the threads; each row is computed by one thread in a fixed order, so
//! the answer depends neither on the number of threads nor on the height of the strips.

mod arena;
mod step;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pidinet_kernels::isa::Isa;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::plan::schedule::Size;
use crate::plan::{Fusion, Keep, Plan};
use crate::weights::Model;
use arena::{Arena, is_plain};
use step::Context;

/// Where the rows of the network's input come from.
pub trait Input: Sync {
    /// Writes row `y` of the three channels, each as wide as the image.
    fn fill_row(&self, y: usize, channels: [&mut [f32]; 3]);
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

/// Rows of the image that become one row of the last stage.
const ROWS_OF_LAST_STAGE: usize = 8;

/// Memory that the new rows of a strip may take in all maps together, if [`Strip::Auto`] can help it. The rows
/// kept from strips before come on top.
const STRIP_BYTES: usize = 128 << 20;

/// Memory that an engine keeps for its next run: more than this is cheaper to get again than to hold.
const IDLE_BYTES: usize = 64 << 20;

/// How an engine runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EngineOptions {
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) isa: Option<Isa>,
    pub(crate) strip: Strip,
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
    /// Time from its first to its last row, less that of other steps.
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
    strip: Strip,
    threads: usize,
    /// None for one thread: the caller's.
    pool: Option<rayon::ThreadPool>,
    /// Memory of finished runs, for the next one of the same size.
    idle: Mutex<Vec<Arena>>,
}

/// The maps of a run in the order of [`Plan::keep`], and what each step took.
pub(crate) struct Run {
    pub(crate) maps: Vec<Map>,
    pub(crate) times: Vec<Duration>,
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
        let available = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = options.threads.unwrap_or_else(available).get();
        let pool = match threads {
            1 => None,
            _ => {
                let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let named = builder.thread_name(|thread| format!("pidinet-{thread}"));
                Some(named.build().map_err(|source| Error::Threads { threads, source })?)
            }
        };
        let plan = Plan::new(model, isa, keep, fusion);
        log::debug!("{} steps on {} with {threads} threads", plan.steps.len(), isa.name());
        Ok(Self { plan, strip: options.strip, threads, pool, idle: Mutex::default() })
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn isa(&self) -> Isa {
        self.plan.isa
    }

    /// What each step did in a run of this size that took these times.
    pub(crate) fn stats(&self, times: &[Duration], height: usize, width: usize) -> Vec<StepStats> {
        let shapes = self.plan.shapes.iter();
        let sizes: Vec<[usize; 3]> =
            shapes.map(|shape| [shape.channels, height >> shape.level, width >> shape.level]).collect();
        let values = |id: usize| sizes[id].iter().product::<usize>() as u64;
        let steps = self.plan.steps.iter().enumerate().zip(times);
        let stats = steps.map(|((id, step), &time)| StepStats {
            name: step.name.clone(),
            shape: sizes[id],
            macs: (step.macs * sizes[id][1] * sizes[id][2]) as u64,
            bytes: 4
                * (values(id) + self.plan.reads[id].0.iter().map(|&(input, _)| values(input)).sum::<u64>()),
            time,
        });
        stats.collect()
    }

    /// Rows of the image in a strip: two of the last stage for each thread, fewer of a wide image.
    fn strip(&self, image: Size) -> usize {
        match self.strip {
            Strip::Auto => {
                let affordable = STRIP_BYTES / self.plan.row_bytes(image.width);
                let last_stage = (affordable / ROWS_OF_LAST_STAGE).clamp(1, 2 * self.threads);
                last_stage * ROWS_OF_LAST_STAGE
            }
            Strip::Whole => image.height,
            Strip::Rows(rows) => rows.get(),
        }
    }

    /// Runs the network on an image of `height` rows of `width` pixels, both at least 8.
    pub(crate) fn run(&self, input: &dyn Input, height: usize, width: usize) -> Run {
        assert!(height >= 8 && width >= 8, "{width}x{height} is smaller than a pixel of the last stage");
        let image = Size { height, width };
        let mut arena = self.arena(image);
        let mut times = vec![Duration::ZERO; self.plan.steps.len()];
        let mut all = || self.stream(&mut arena, input, &mut times);
        match &self.pool {
            Some(pool) => pool.install(all),
            None => all(),
        }
        let maps = self.plan.keep.iter().map(|&id| {
            let ring = arena.ring_mut(id);
            let Size { height, width } = ring.layout.size;
            let shape = [ring.layout.channels, height, width];
            Map { shape, data: ring.finish(is_plain(&self.plan.steps[id].op)) }
        });
        let maps = maps.collect();
        if arena.bytes() <= IDLE_BYTES {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(arena);
        }
        Run { maps, times }
    }

    /// Memory for an image of this size, from an earlier run if there is one.
    fn arena(&self, image: Size) -> Arena {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = idle.iter().position(|arena| arena.image == image);
        let fitting = fitting.map(|at| idle.swap_remove(at));
        if fitting.is_none() {
            idle.clear(); // sizes of the past: their memory is worth more than their reuse
        }
        drop(idle);
        let mut arena =
            fitting.unwrap_or_else(|| Arena::new(&self.plan, image, self.strip(image), self.threads));
        arena.allocate();
        arena
    }

    /// All the work of the schedule, in order.
    fn stream(&self, arena: &mut Arena, input: &dyn Input, times: &mut [Duration]) {
        let work = std::mem::take(&mut arena.schedule.work);
        let resizes = std::mem::take(&mut arena.schedule.resizes);
        let scratch = std::mem::take(&mut arena.scratch);
        for (id, rows) in &work {
            let start = Instant::now();
            let (maps, layout, blocks) = arena.split(*id, rows.clone());
            let context = Context {
                isa: self.plan.isa,
                op: &self.plan.steps[*id].op,
                input,
                maps,
                layout,
                resizes: &resizes[*id],
            };
            let one = |(y, block): (usize, &mut [f32])| {
                // Without a pool of its own, the thread may be one of the caller's pool.
                let thread = self.pool.as_ref().and_then(|_| rayon::current_thread_index()).unwrap_or(0);
                let mut scratch = scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
                context.row(y, block, &mut scratch);
            };
            match &self.pool {
                Some(_) => blocks.into_par_iter().for_each(one),
                None => blocks.into_iter().for_each(one),
            }
            times[*id] += start.elapsed();
        }
        (arena.schedule.work, arena.schedule.resizes, arena.scratch) = (work, resizes, scratch);
    }
}
