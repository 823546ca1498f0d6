//! The memory of a run: a ring of rows for each map.

use std::ops::Range;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use pidinet_kernels::buffer::Buffer;
use pidinet_kernels::rows::row::{self, Row, RowMut};
use smallvec::SmallVec;

use crate::Size;
use crate::edge_map::byte;
use crate::edges::plan::Plan;
use crate::edges::schedule::Schedule;
use crate::edges::schedule::task::Pace;

/// Most rows that nearly all tasks write, and most maps that they read: more than these are allocated.
pub(super) const FEW: usize = 4;

/// The caller's memory for the fused map; each row begins `row_stride` elements after the one before.
pub(crate) enum Rows<'a> {
    /// Probabilities.
    Floats { data: &'a mut [f32], row_stride: usize },
    /// `floor(255 p)`.
    Bytes { data: &'a mut [u8], row_stride: usize },
}

/// How a map lies in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) channels: usize,
    pub(super) size: Size,
    /// Elements from one channel to the next.
    pub(super) stride: usize,
    /// Elements from one row to the next.
    block: usize,
    /// Rows that fit.
    slots: usize,
}

impl Layout {
    /// The block of one row as a row that is written.
    pub(super) fn row_mut<'a>(&self, block: &'a mut [f32]) -> RowMut<'a> {
        RowMut { data: block, stride: self.stride }
    }

    fn len(&self) -> usize {
        self.block * self.slots
    }
}

/// The rows of one map that are in memory.
#[derive(Debug)]
struct Ring {
    layout: Layout,
    /// Empty if the map is plain: that one is written straight to where the caller gets it.
    data: Buffer,
}

/// All memory of a run, except the maps that it returns.
#[derive(Debug)]
pub(super) struct Arena {
    pub(super) image: Size,
    pub(super) schedule: Schedule,
    rings: Vec<Ring>,
    /// A row of zeros as long as any of the rings'.
    zeros: Buffer,
    /// Working memory of each thread.
    pub(super) scratch: Vec<Mutex<Buffer>>,
}

impl Arena {
    pub(super) fn new(plan: &Plan, image: Size, pace: Pace, threads: usize) -> Self {
        let schedule = Schedule::new(&plan.shapes, &plan.reads, &plan.keep, image, pace);
        let ring = |id: usize| {
            let size = schedule.sizes[id];
            let channels = plan.floats[id];
            let stride = row::stride(size.width, plan.paddings[id]);
            let plain = plan.steps[id].op.is_plain();
            let block = if plain { size.width } else { row::block_len(channels, stride) };
            let layout = Layout { channels, size, stride, block, slots: schedule.rings[id].slots() };
            Ring { layout, data: Buffer::zeroed(if plain { 0 } else { layout.len() }) }
        };
        let rings: Vec<Ring> = (0..plan.steps.len()).map(ring).collect();
        let longest = rings.iter().map(|ring| ring.layout.block).max().unwrap_or(0);
        let scratch = (0..threads).map(|_| Mutex::default()).collect();
        Self { image, schedule, rings, zeros: Buffer::zeroed(longest), scratch }
    }

    /// Bytes that the rings take.
    pub(super) fn bytes(&self) -> usize {
        size_of::<f32>() * self.rings.iter().map(|ring| ring.data.len()).sum::<usize>()
    }

    pub(super) fn layout(&self, id: usize) -> Layout {
        self.rings[id].layout
    }

    /// Room for the pixels of map `id` if it is plain, otherwise empty.
    pub(super) fn plain(&self, id: usize) -> Vec<f32> {
        let Ring { layout, data } = &self.rings[id];
        vec![0.0; if data.is_empty() { layout.len() } else { 0 }]
    }

    /// All rows, ready to be shared out.
    pub(super) fn open<'a>(&'a mut self, target: Target<'a>) -> Opened<'a> {
        let share = |data: &'a mut [f32], stride: usize| {
            data.chunks_mut(stride.max(1)).map(RwLock::new).collect::<Vec<_>>()
        };
        let rings = self.rings.iter_mut();
        let mut maps: Vec<Locked<'a>> = rings
            .map(|Ring { layout, data }| Locked { layout: *layout, rows: share(data, layout.block) })
            .collect();
        let mut bytes = None;
        match target {
            Target::Kept(plain) => {
                for (map, plain) in maps.iter_mut().zip(plain).filter(|(_, plain)| !plain.is_empty()) {
                    map.rows = share(plain, map.layout.block);
                }
            }
            Target::Caller { id, rows: Rows::Floats { data, row_stride } } => {
                let Size { height, width } = maps[id].layout.size;
                let rows = data.chunks_mut(row_stride).take(height);
                maps[id].rows = rows.map(|row| RwLock::new(&mut row[..width])).collect();
            }
            Target::Caller { id, rows: Rows::Bytes { data, row_stride } } => {
                let Size { height, width } = maps[id].layout.size;
                let rows = data.chunks_mut(row_stride).take(height);
                bytes = Some(Bytes { id, rows: rows.map(|row| Mutex::new(&mut row[..width])).collect() });
            }
        }
        Opened { schedule: &self.schedule, maps, bytes, zeros: &self.zeros, scratch: &self.scratch }
    }

    /// The pixels `[c, h, w]` of a map that is in memory whole.
    pub(super) fn pixels(&self, id: usize) -> Vec<f32> {
        let Ring { layout: Layout { channels, size, stride, block, slots }, data } = &self.rings[id];
        assert_eq!(*slots, size.height, "rows of this map are gone");
        let mut map = Vec::with_capacity(channels * size.height * size.width);
        for channel in 0..*channels {
            for block in data.chunks_exact(*block) {
                map.extend_from_slice(&block[row::MARGIN + channel * stride..][..size.width]);
            }
        }
        map
    }
}

/// Where plain maps go.
pub(super) enum Target<'a> {
    /// Into memory for each of them, as returned by [`Arena::plain`].
    Kept(&'a mut [Vec<f32>]),
    /// Map `id`, which is the only one, into memory that has room for it.
    Caller { id: usize, rows: Rows<'a> },
}

/// The memory of a run while it runs.
pub(super) struct Opened<'a> {
    pub(super) schedule: &'a Schedule,
    maps: Vec<Locked<'a>>,
    bytes: Option<Bytes<'a>>,
    zeros: &'a [f32],
    pub(super) scratch: &'a [Mutex<Buffer>],
}

/// The ring of one map. The schedule ensures that nobody waits for a row.
struct Locked<'a> {
    layout: Layout,
    rows: Vec<RwLock<&'a mut [f32]>>,
}

/// The map that is written as bytes.
struct Bytes<'a> {
    id: usize,
    rows: Vec<Mutex<&'a mut [u8]>>,
}

type Reading<'r, 'a> = RwLockReadGuard<'r, &'a mut [f32]>;
type Writing<'r, 'a> = RwLockWriteGuard<'r, &'a mut [f32]>;

impl<'a> Opened<'a> {
    pub(super) fn layout(&self, id: usize) -> Layout {
        self.maps[id].layout
    }

    /// Some rows of some maps, to be read.
    pub(super) fn read(&self, needs: &[(usize, Range<usize>)]) -> Maps<'_, 'a> {
        let mut maps = Maps { held: SmallVec::new(), rows: SmallVec::new(), zeros: self.zeros };
        for (id, needed) in needs {
            let (ring, map) = (&self.schedule.rings[*id], &self.maps[*id]);
            let row = |y: usize| match map.rows[ring.slot(y)].try_read() {
                Ok(row) => row,
                Err(TryLockError::Poisoned(row)) => row.into_inner(),
                Err(TryLockError::WouldBlock) => panic!("row {y} of map {id} is being written"),
            };
            let (layout, from) = (map.layout, maps.rows.len());
            maps.held.push(Held { id: *id, layout, first: needed.start, from });
            maps.rows.extend(needed.clone().map(row));
        }
        maps
    }

    /// Some rows of a map, to be written.
    pub(super) fn write(&self, id: usize, rows: Range<usize>) -> SmallVec<[Writing<'_, 'a>; FEW]> {
        let (ring, map) = (&self.schedule.rings[id], &self.maps[id]);
        let row = |y: usize| match map.rows[ring.slot(y)].try_write() {
            Ok(row) => row,
            Err(TryLockError::Poisoned(row)) => row.into_inner(),
            Err(TryLockError::WouldBlock) => panic!("row {y} of map {id} is in use"),
        };
        rows.map(row).collect()
    }

    /// Whether a map is written as bytes.
    pub(super) fn is_bytes(&self, id: usize) -> bool {
        self.bytes.as_ref().is_some_and(|bytes| bytes.id == id)
    }

    /// Writes row `y` of the map that is written as bytes.
    pub(super) fn write_bytes(&self, y: usize, values: &[f32]) {
        let bytes = self.bytes.as_ref().expect("a map is written as bytes");
        let mut row = bytes.rows[y].lock().unwrap_or_else(PoisonError::into_inner);
        row.iter_mut().zip(values).for_each(|(dst, value)| *dst = byte(*value));
    }

    /// Working memory of a thread.
    pub(super) fn scratch(&self, thread: usize) -> std::sync::MutexGuard<'a, Buffer> {
        self.scratch[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which rows of one map a task reads.
struct Held {
    id: usize,
    layout: Layout,
    first: usize,
    /// Place of the first one in [`Maps::rows`].
    from: usize,
}

/// The rows that a task reads.
pub(super) struct Maps<'r, 'a> {
    held: SmallVec<[Held; FEW]>,
    /// Those of all maps.
    rows: SmallVec<[Reading<'r, 'a>; 4 * FEW]>,
    zeros: &'r [f32],
}

impl Maps<'_, '_> {
    /// Row `y` of a map, zeros outside it.
    pub(super) fn row(&self, id: usize, y: isize) -> Row<'_> {
        let Held { layout, first, from, .. } = self.held(id);
        let data: &[f32] = match usize::try_from(y) {
            Ok(y) if y < layout.size.height => &self.rows[from + y - first],
            _ => &self.zeros[..layout.block],
        };
        Row { data, stride: layout.stride }
    }

    pub(super) fn layout(&self, id: usize) -> Layout {
        self.held(id).layout
    }

    fn held(&self, id: usize) -> &Held {
        self.held.iter().find(|held| held.id == id).expect("the schedule lists all maps that a step reads")
    }
}
