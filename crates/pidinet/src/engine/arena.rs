//! The memory of a run: a ring of rows for each map.

use std::ops::Range;
use std::sync::Mutex;

use pidinet_kernels::row::{self, Row, RowMut};

use crate::plan::schedule::{Schedule, Size};
use crate::plan::{Op, Plan};

/// How a ring lies in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) channels: usize,
    pub(super) size: Size,
    /// Elements from one channel to the next.
    pub(super) stride: usize,
    /// Elements from one row to the next.
    block: usize,
    /// Rows that fit.
    capacity: usize,
}

impl Layout {
    /// The block of one row as a row that is written.
    pub(super) fn row_mut<'a>(&self, block: &'a mut [f32]) -> RowMut<'a> {
        RowMut { data: block, stride: self.stride }
    }
}

/// The rows of one map that are in memory.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) layout: Layout,
    data: Vec<f32>,
}

impl Ring {
    fn block(&self, y: usize) -> &[f32] {
        let Layout { block, capacity, .. } = self.layout;
        &self.data[(y % capacity) * block..][..block]
    }

    /// Row `y`; outside the map, `zeros`.
    pub(super) fn row<'a>(&'a self, y: isize, zeros: &'a [f32]) -> Row<'a> {
        let data = match usize::try_from(y) {
            Ok(y) if y < self.layout.size.height => self.block(y),
            _ => &zeros[..self.layout.block],
        };
        Row { data, stride: self.layout.stride }
    }

    /// The blocks of some rows, to be written, each with the number of its row.
    fn blocks_mut(&mut self, rows: Range<usize>) -> Vec<(usize, &mut [f32])> {
        let Layout { block, capacity, .. } = self.layout;
        assert!(rows.len() <= capacity, "{rows:?} do not fit in a ring of {capacity} rows");
        let number = |slot: usize| rows.start + (slot + capacity - rows.start % capacity) % capacity;
        let blocks = self.data.chunks_exact_mut(block).enumerate();
        let blocks = blocks.map(|(slot, block)| (number(slot), block));
        blocks.filter(|(y, _)| *y < rows.end).collect()
    }

    /// The pixels `[c, h, w]` of a map all of which is in memory; those of a plain one are taken out.
    pub(super) fn finish(&mut self, is_plain: bool) -> Vec<f32> {
        let Layout { channels, size, stride, block, capacity } = self.layout;
        assert_eq!(capacity, size.height, "rows of this map are gone");
        if is_plain {
            return std::mem::take(&mut self.data);
        }
        let mut map = Vec::with_capacity(channels * size.height * size.width);
        for channel in 0..channels {
            for block in self.data.chunks_exact(block) {
                map.extend_from_slice(&block[row::MARGIN + channel * stride..][..size.width]);
            }
        }
        map
    }
}

/// All memory of a run.
#[derive(Debug)]
pub(super) struct Arena {
    pub(super) image: Size,
    pub(super) schedule: Schedule,
    rings: Vec<Ring>,
    /// A row of zeros as long as any of the rings'.
    zeros: Vec<f32>,
    /// Working memory of each thread.
    pub(super) scratch: Vec<Mutex<Vec<f32>>>,
}

/// The maps that a step reads.
#[derive(Clone, Copy)]
pub(super) struct Maps<'a> {
    before: &'a [Ring],
    zeros: &'a [f32],
}

impl<'a> Maps<'a> {
    /// Row `y` of a map, zeros outside it.
    pub(super) fn row(self, id: usize, y: isize) -> Row<'a> {
        self.before[id].row(y, self.zeros)
    }

    pub(super) fn layout(self, id: usize) -> Layout {
        self.before[id].layout
    }
}

impl Arena {
    pub(super) fn new(plan: &Plan, image: Size, strip: usize, threads: usize) -> Self {
        let schedule = Schedule::new(&plan.shapes, &plan.reads, &plan.keep, image, strip);
        let layout = |id: usize| {
            let size = schedule.sizes[id];
            let channels = plan.shapes[id].channels;
            let stride = row::stride(size.width, plan.paddings[id]);
            let plain = is_plain(&plan.steps[id].op);
            let block = if plain { size.width } else { row::block_len(channels, stride) };
            Layout { channels, size, stride, block, capacity: schedule.capacities[id] }
        };
        let rings = (0..plan.steps.len()).map(|id| Ring { layout: layout(id), data: Vec::new() });
        let rings: Vec<Ring> = rings.collect();
        let longest = rings.iter().map(|ring| ring.layout.block).max().unwrap_or(0);
        let scratch = (0..threads).map(|_| Mutex::default()).collect();
        Self { image, schedule, rings, zeros: vec![0.0; longest], scratch }
    }

    /// Allocates the rings that are empty: all of a new arena, later those whose pixels were taken.
    pub(super) fn allocate(&mut self) {
        for ring in self.rings.iter_mut().filter(|ring| ring.data.is_empty()) {
            ring.data = vec![0.0; ring.layout.block * ring.layout.capacity];
        }
    }

    /// Memory that the rings take.
    pub(super) fn bytes(&self) -> usize {
        size_of::<f32>()
            * self.rings.iter().map(|ring| ring.layout.block * ring.layout.capacity).sum::<usize>()
    }

    /// The maps that step `id` can read, the layout of its own, and the blocks of the rows it writes.
    pub(super) fn split(
        &mut self,
        id: usize,
        rows: Range<usize>,
    ) -> (Maps<'_>, Layout, Vec<(usize, &mut [f32])>) {
        let (before, from) = self.rings.split_at_mut(id);
        let ring = &mut from[0];
        (Maps { before, zeros: &self.zeros }, ring.layout, ring.blocks_mut(rows))
    }

    pub(super) fn ring_mut(&mut self, id: usize) -> &mut Ring {
        &mut self.rings[id]
    }
}

/// Whether a step's map has no margins, so that it can be handed out as it is.
pub(super) fn is_plain(op: &Op) -> bool {
    matches!(op, Op::Fuse { .. })
}
