//! When which rows are computed, and how many rows of each map are kept meanwhile.
//!
//! The network runs as a stream: a strip of image rows goes in, and every step computes the rows whose
//! inputs are there. A map is a ring of as many rows as its readers still need, so the memory does not
//! grow with the height of the image, nothing is computed twice, and every row is computed by the same
//! operations in the same order whatever the height of the strips.

use std::collections::BTreeMap;
use std::ops::Range;

use pidinet_kernels::resize::Axis;

use super::graph::{Id, Shape};

/// Which rows of an input one row of the output needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From `above` rows above to `below` rows below; outside the map there are zeros.
    Window { above: usize, below: usize },
    /// Rows `2y` and `2y + 1`.
    Pair,
    /// The two rows that a bilinear resize mixes.
    Resized,
}

/// A step as the schedule sees it: it makes the map of its own number from others.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    /// The maps it reads.
    pub(crate) inputs: Vec<(Id, Reach)>,
    /// Rows that it had better compute together, from a multiple of their number on; 1 if they are nothing to each other.
    pub(crate) band: usize,
}

/// Height and width of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// Where the pixels of a resized map come from.
#[derive(Clone, Debug)]
pub(crate) struct Resize {
    pub(crate) rows: Axis,
    pub(crate) columns: Axis,
}

/// Some rows of one map: what one thread computes in one go.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: Id,
    pub(crate) rows: Range<usize>,
    /// The rows of other maps that are read.
    pub(crate) reads: Vec<(Id, Range<usize>)>,
    /// It may begin when all tasks before this one are done.
    pub(crate) after: usize,
}

/// In what portions an image goes through the network. The answer does not depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Rows of the image that go through all stages before the next ones.
    pub(crate) strip: usize,
    /// Rows that one step computes before the next step of its stage goes on.
    pub(crate) pass: usize,
    /// Rows of a task.
    pub(crate) task: usize,
    /// Whether the tasks of a pass need not wait for each other, at the price of more rows in memory.
    pub(crate) overlap: bool,
    /// Whether steps get the bands they want, at the price of more rows in memory.
    pub(crate) bands: bool,
}

/// The stream for one size of image.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Size of each map.
    pub(crate) sizes: Vec<Size>,
    /// Rows that the ring of each map holds.
    pub(crate) capacities: Vec<usize>,
    /// Which rows of which map to compute, in order.
    pub(crate) tasks: Vec<Task>,
    /// For each map that a step reads resized, where its pixels come from.
    pub(crate) resizes: Vec<Vec<Resize>>,
    /// Whether the tasks of steps that want bands are bands.
    pub(crate) bands: bool,
}

impl Schedule {
    /// The stream of an image of this size; the maps in `keep` stay whole.
    pub(crate) fn new(shapes: &[Shape], steps: &[Reads], keep: &[Id], image: Size, pace: Pace) -> Self {
        assert!(pace.strip.min(pace.pass).min(pace.task) > 0, "{pace:?} would never end");
        let sizes: Vec<Size> = shapes
            .iter()
            .map(|shape| Size { height: image.height >> shape.level, width: image.width >> shape.level })
            .collect();
        let resizes: Vec<Vec<Resize>> =
            steps.iter().zip(&sizes).map(|(step, &to)| step.resizes(&sizes, to)).collect();
        let stream = Stream { steps, sizes: &sizes, resizes: &resizes };
        let (mut tasks, mut capacities) = stream.play(&stages(shapes, steps), pace);
        for (id, size) in sizes.iter().enumerate() {
            if keep.contains(&id) {
                capacities[id] = size.height;
            }
        }
        order(&mut tasks, &capacities);
        Self { sizes, capacities, tasks, resizes, bands: pace.bands }
    }
}

/// The steps in groups of those that read maps of one size, so that these are worked on while they are in the
/// cache; last those that read maps of several sizes.
fn stages(shapes: &[Shape], steps: &[Reads]) -> Vec<Vec<Id>> {
    let mut stages: BTreeMap<u32, Vec<Id>> = BTreeMap::new();
    for (id, Reads { inputs, .. }) in steps.iter().enumerate() {
        let level = inputs.iter().map(|&(input, _)| shapes[input].level).min().unwrap_or(0);
        let is_last = inputs.iter().any(|(_, reach)| *reach == Reach::Resized);
        stages.entry(if is_last { u32::MAX } else { level }).or_default().push(id);
    }
    stages.into_values().collect()
}

/// Finds out what each task has to wait for: whoever writes what it reads, and whoever reads or wrote what was
/// in its place of the ring.
fn order(tasks: &mut [Task], capacities: &[usize]) {
    // For each map, the tasks that write it and those that read it, in order, with the rows that they touch.
    let mut writers: Vec<Vec<(usize, Range<usize>)>> = vec![Vec::new(); capacities.len()];
    let mut readers: Vec<BTreeMap<Id, Vec<(usize, usize)>>> = vec![BTreeMap::new(); capacities.len()];
    for (at, task) in tasks.iter_mut().enumerate() {
        let written = task.reads.iter().map(|(input, rows)| {
            let writers = &writers[*input];
            writers[writers.partition_point(|(_, wrote)| wrote.end < rows.end)].0 + 1
        });
        let overwritten = task.rows.end.saturating_sub(capacities[task.id]);
        let last = |count: usize, at: &dyn Fn(usize) -> usize| if count == 0 { 0 } else { at(count - 1) + 1 };
        let read = readers[task.id].values().map(|readers| {
            last(readers.partition_point(|&(_, first)| first < overwritten), &|index| readers[index].0)
        });
        let wrote = &writers[task.id];
        let before =
            last(wrote.partition_point(|(_, rows)| rows.start < overwritten), &|index| wrote[index].0);
        task.after = written.chain(read).max().unwrap_or(0).max(before);
        writers[task.id].push((at, task.rows.clone()));
        for (input, rows) in &task.reads {
            readers[*input].entry(task.id).or_default().push((at, rows.start));
        }
    }
}

impl Reads {
    /// The resizes of the maps that are read resized: all or none of them.
    fn resizes(&self, sizes: &[Size], to: Size) -> Vec<Resize> {
        let resized = self.inputs.iter().filter(|(_, reach)| *reach == Reach::Resized);
        let resizes = resized.map(|&(input, _)| Resize {
            rows: Axis::new(sizes[input].height, to.height),
            columns: Axis::new(sizes[input].width, to.width),
        });
        resizes.collect()
    }
}

/// In what portions a step goes on.
struct Pass {
    /// Rows of a task.
    task: usize,
    /// Rows of all tasks that may run at the same time.
    rows: usize,
    /// Whether it waits for all of them, but at the end of the map.
    whole: bool,
}

struct Stream<'a> {
    steps: &'a [Reads],
    sizes: &'a [Size],
    resizes: &'a [Vec<Resize>],
}

impl Stream<'_> {
    /// All tasks in order, and how many rows of each map have to be kept meanwhile.
    ///
    /// Tasks that overlap read what earlier passes wrote, and it is kept until the pass is over. Others read what
    /// was written just before, when it is still in the cache.
    fn play(&self, stages: &[Vec<Id>], pace: Pace) -> (Vec<Task>, Vec<usize>) {
        let mut done = vec![0; self.steps.len()];
        let mut capacities = vec![0; self.steps.len()];
        let mut tasks = Vec::new();
        let mut fed = 0;
        while done.iter().zip(self.sizes).any(|(&done, size)| done < size.height) {
            fed += pace.strip;
            for stage in stages {
                loop {
                    let before = done.clone();
                    for &id in stage {
                        let seen = if pace.overlap { &before } else { &done };
                        let from = done[id];
                        let Pass { task, rows, whole } = self.pass(id, pace);
                        let to = self.ready(id, seen, fed).clamp(from, from + rows);
                        let is_whole = to == from + rows || to == self.sizes[id].height;
                        if to > from && (is_whole || !whole) {
                            let kept = to - self.oldest_needed(id, seen).min(from);
                            capacities[id] = kept.max(capacities[id]);
                            done[id] = to;
                            let starts = (from..to).step_by(task);
                            tasks.extend(starts.map(|y| self.task(id, y..to.min(y + task))));
                        }
                    }
                    if done == before {
                        break;
                    }
                }
            }
        }
        (tasks, capacities)
    }

    /// How a step goes on: in bands there is one for each thread.
    fn pass(&self, id: Id, pace: Pace) -> Pass {
        match self.steps[id].band {
            band if pace.bands && band > 1 => {
                Pass { task: band, rows: band * pace.pass.div_ceil(pace.task), whole: true }
            }
            _ => Pass { task: pace.task, rows: pace.pass, whole: false },
        }
    }

    fn task(&self, id: Id, rows: Range<usize>) -> Task {
        let mut reads: Vec<(Id, Range<usize>)> = Vec::new();
        for (index, &(input, _)) in self.steps[id].inputs.iter().enumerate() {
            let need = self.needs(id, index, rows.start).start..self.needs(id, index, rows.end - 1).end;
            match reads.iter_mut().find(|(other, _)| *other == input) {
                Some((_, rows)) => *rows = rows.start.min(need.start)..rows.end.max(need.end),
                None => reads.push((input, need)),
            }
        }
        Task { id, rows, reads, after: 0 }
    }

    /// The rows of its `index`th input that row `y` of a map needs.
    fn needs(&self, id: Id, index: usize, y: usize) -> Range<usize> {
        let (input, reach) = self.steps[id].inputs[index];
        match reach {
            Reach::Window { above, below } => {
                y.saturating_sub(above)..(y + below + 1).min(self.sizes[input].height)
            }
            Reach::Pair => 2 * y..2 * y + 2,
            Reach::Resized => {
                let at = self.resizes[id][index].rows.at(y);
                at.first..at.second + 1
            }
        }
    }

    /// How many rows of a map can be computed from what is done of the others, and from `fed` rows of the image.
    fn ready(&self, id: Id, done: &[usize], fed: usize) -> usize {
        let inputs = &self.steps[id].inputs;
        let height = if inputs.is_empty() { self.sizes[id].height.min(fed) } else { self.sizes[id].height };
        let computable =
            |y: &usize| (0..inputs.len()).all(|index| self.needs(id, index, *y).end <= done[inputs[index].0]);
        (done[id]..height).take_while(computable).last().map_or(done[id], |y| y + 1)
    }

    /// The first row of a map that a later row of another one needs.
    fn oldest_needed(&self, id: Id, done: &[usize]) -> usize {
        let unfinished =
            (id + 1..self.steps.len()).filter(|&reader| done[reader] < self.sizes[reader].height);
        let needs = unfinished.flat_map(|reader| {
            let reads = self.steps[reader].inputs.iter().enumerate().filter(|(_, (input, _))| *input == id);
            reads.map(move |(index, _)| self.needs(reader, index, done[reader]).start)
        });
        needs.min().unwrap_or(done[id])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Reach = Reach::Window { above: 2, below: 2 };

    /// Four steps, of which the second wants bands.
    fn chain(band: usize) -> (Vec<Shape>, Vec<Reads>) {
        let shape = |level| Shape { channels: 1, level };
        // image, 5x5, pool, back to full size
        let steps = vec![
            (vec![], 1),
            (vec![(0, TWO)], band),
            (vec![(1, Reach::Pair)], 1),
            (vec![(2, Reach::Resized)], 1),
        ];
        let reads = |(inputs, band)| Reads { inputs, band };
        (vec![shape(0), shape(0), shape(1), shape(0)], steps.into_iter().map(reads).collect())
    }

    /// Every way to cut a stream that a small image allows.
    fn paces(height: usize) -> impl Iterator<Item = Pace> {
        let strips = 1..height + 2;
        strips.flat_map(|strip| {
            [(1, 1, false), (3, 2, false), (3, 2, true), (50, 50, true)].map(|(pass, task, overlap)| Pace {
                strip,
                pass,
                task,
                overlap,
                bands: true,
            })
        })
    }

    #[test]
    fn every_row_is_computed_once_and_from_rows_that_are_still_there() {
        for (height, band) in (2..40).flat_map(|height| [(height, 1), (height, 6)]) {
            let (shapes, steps) = chain(band);
            for pace in paces(height) {
                let schedule = Schedule::new(&shapes, &steps, &[3], Size { height, width: 8 }, pace);
                let mut done = [0; 4];
                for Task { id, rows, reads, .. } in &schedule.tasks {
                    assert_eq!(rows.start, done[*id]);
                    if *id == 1 && band > 1 {
                        assert_eq!(*rows, rows.start / band * band..height.min(rows.start + band), "no band");
                    }
                    for (input, need) in reads {
                        assert!(need.end <= done[*input], "{rows:?} of {id} come too early");
                        let kept = need.start + schedule.capacities[*input];
                        assert!(kept >= done[*input], "{need:?} of {input} are gone before {rows:?} of {id}");
                    }
                    done[*id] = rows.end;
                }
                assert_eq!(done.to_vec(), schedule.sizes.iter().map(|size| size.height).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn tasks_that_do_not_wait_for_each_other_share_no_rows() {
        for (height, band) in (2..24).flat_map(|height| [(height, 1), (height, 6)]) {
            let (shapes, steps) = chain(band);
            for pace in paces(height) {
                let Schedule { tasks, capacities, .. } =
                    Schedule::new(&shapes, &steps, &[3], Size { height, width: 8 }, pace);
                let slots =
                    |id: Id, rows: &Range<usize>| rows.clone().map(move |y| (id, y)).collect::<Vec<_>>();
                let clash = |written: &[(Id, usize)], (id, rows): &(Id, Range<usize>)| {
                    let same = |&(other, y): &(Id, usize)| {
                        other == *id && rows.clone().any(|row| row % capacities[*id] == y % capacities[*id])
                    };
                    written.iter().any(same)
                };
                for (at, late) in tasks.iter().enumerate() {
                    assert!(late.after <= at);
                    for early in &tasks[late.after..at] {
                        let (wrote, writes) = (slots(early.id, &early.rows), slots(late.id, &late.rows));
                        assert!(!late.reads.iter().any(|read| clash(&wrote, read)), "{early:?} {late:?}");
                        assert!(!early.reads.iter().any(|read| clash(&writes, read)), "{early:?} {late:?}");
                        assert!(!clash(&wrote, &(late.id, late.rows.clone())), "{early:?} {late:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn threads_find_tasks_that_need_not_wait() {
        let (shapes, steps) = chain(1);
        let pace = Pace { strip: 16, pass: 4, task: 2, overlap: true, bands: false };
        let schedule = Schedule::new(&shapes, &steps, &[3], Size { height: 400, width: 8 }, pace);
        let waits = |(at, task): (usize, &Task)| task.after == at;
        let waiting = schedule.tasks.iter().enumerate().filter(|&task| waits(task)).count();
        assert!(20 * waiting < schedule.tasks.len(), "{waiting} of {} tasks", schedule.tasks.len());
    }

    #[test]
    fn memory_does_not_grow_with_the_height() {
        let (shapes, steps) = chain(20);
        for (bands, most) in [(false, 12), (true, 30)] {
            let rings = |height| {
                let pace = Pace { strip: 8, pass: 2, task: 2, overlap: false, bands };
                Schedule::new(&shapes, &steps, &[], Size { height, width: 8 }, pace).capacities
            };
            assert_eq!(rings(4000), rings(400));
            assert!(rings(400).iter().all(|&rows| rows <= most), "{:?}", rings(400));
        }
    }
}
