//! When which rows are computed, and how many rows of each map are kept meanwhile.
//!
//! The network runs as a stream: a strip of image rows goes in, and every step computes the rows whose
//! inputs are there. A map is a ring of as many rows as its readers still need, so the memory does not
//! grow with the height of the image, nothing is computed twice, and every row is computed by the same
//! operations in the same order whatever the height of the strips.
//!
//! There may be several streams, in lanes one below the other, every other one upwards: two of them end where they
//! meet. A thread that keeps to its lane finds in its own cache what it reads, but for some rows at the border.

use std::collections::BTreeMap;
use std::ops::Range;

use pidinet_kernels::rows::resize::Axis;

use super::graph::{Id, Shape};
use crate::Size;

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
    /// It may begin when of these lanes this many tasks are done, the first ones.
    pub(crate) after: Vec<(usize, usize)>,
}

/// In what portions an image goes through the network. The answer does not depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Streams side by side.
    pub(crate) lanes: usize,
    /// Rows of the image that go through all stages of a lane before the next ones.
    pub(crate) strip: usize,
    /// Rows of a lane that one step computes before the next step of its stage goes on.
    pub(crate) pass: usize,
    /// Rows of a task.
    pub(crate) task: usize,
    /// Whether the tasks of a pass need not wait for each other, at the price of more rows in memory.
    pub(crate) overlap: bool,
    /// Whether steps get the bands they want, at the price of more rows in memory.
    pub(crate) bands: bool,
}

/// Where the rows of a map are kept: each lane has as many slots, which its rows take in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    /// The first row of each lane.
    starts: Vec<usize>,
    /// Rows of a lane that are kept.
    capacity: usize,
}

impl Ring {
    /// The rows that it holds.
    pub(crate) fn slots(&self) -> usize {
        self.starts.len() * self.capacity
    }

    /// Where row `y` is.
    pub(crate) fn slot(&self, y: usize) -> usize {
        let lane = self.starts.partition_point(|&start| start <= y) - 1;
        lane * self.capacity + y % self.capacity
    }
}

/// The stream for one size of image.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Size of each map.
    pub(crate) sizes: Vec<Size>,
    /// Where the rows of each map are kept.
    pub(crate) rings: Vec<Ring>,
    /// For each lane, which rows of which map to compute, in order.
    pub(crate) lanes: Vec<Vec<Task>>,
    /// For each map that a step reads resized, where its pixels come from.
    pub(crate) resizes: Vec<Vec<Resize>>,
    /// Whether the tasks of steps that want bands are bands.
    pub(crate) bands: bool,
}

impl Schedule {
    /// The stream of an image of this size; the maps in `keep` stay whole.
    pub(crate) fn new(shapes: &[Shape], steps: &[Reads], keep: &[Id], image: Size, pace: Pace) -> Self {
        assert!(pace.strip.min(pace.pass).min(pace.task).min(pace.lanes) > 0, "{pace:?} would never end");
        let sizes: Vec<Size> = shapes
            .iter()
            .map(|shape| Size { height: image.height >> shape.level, width: image.width >> shape.level })
            .collect();
        let resizes: Vec<Vec<Resize>> =
            steps.iter().zip(&sizes).map(|(step, &to)| step.resizes(&sizes, to)).collect();
        let lanes = lanes(shapes, steps, image.height, pace);
        let readers = readers(steps);
        let stream = Stream { steps, sizes: &sizes, resizes: &resizes, lanes: &lanes, readers };
        let (mut tasks, capacities) = stream.play(&stages(shapes, steps), pace);
        let ring = |(id, capacity): (Id, usize)| {
            let height = sizes[id].height;
            if keep.contains(&id) || pace.lanes * capacity >= height {
                Ring { starts: vec![0], capacity: height }
            } else {
                Ring { starts: lanes[id].iter().map(|rows| rows.start).collect(), capacity }
            }
        };
        let rings: Vec<Ring> = capacities.into_iter().enumerate().map(ring).collect();
        order(&mut tasks, &rings, pace.lanes);
        let mut lanes = vec![Vec::new(); pace.lanes];
        tasks.into_iter().for_each(|(lane, task)| lanes[lane].push(task));
        Self { sizes, rings, lanes, resizes, bands: pace.bands }
    }

    /// Takes the image for the columns from `start` on of a wider one: maps are resized as they are there.
    pub(crate) fn take_columns(&mut self, shapes: &[Shape], steps: &[Reads], width: usize, start: usize) {
        for (id, (step, resizes)) in steps.iter().zip(&mut self.resizes).enumerate() {
            for (input, resize) in step.resized().zip(resizes) {
                let part = |id: usize| {
                    let start = start >> shapes[id].level;
                    start..start + self.sizes[id].width
                };
                let whole = |id: usize| width >> shapes[id].level;
                resize.columns = Axis::part(whole(input), whole(id), part(input), part(id));
            }
        }
    }
}

/// The rows of each map that each lane computes. Lanes begin at a row of the smallest maps, and at a band.
fn lanes(shapes: &[Shape], steps: &[Reads], height: usize, pace: Pace) -> Vec<Vec<Range<usize>>> {
    let smallest = shapes.iter().map(|shape| shape.level).max().unwrap_or(0);
    let lanes = shapes.iter().zip(steps).map(|(&Shape { level, .. }, step)| {
        let band = step.band(pace);
        let start = |lane: usize| {
            let start = ((height >> smallest) * lane / pace.lanes) << (smallest - level);
            (start + band / 2) / band * band
        };
        let end = |lane: usize| if lane + 1 < pace.lanes { start(lane + 1) } else { height >> level };
        (0..pace.lanes).map(|lane| start(lane)..end(lane)).collect()
    });
    lanes.collect()
}

/// The steps that read each map, and as which of their inputs.
fn readers(steps: &[Reads]) -> Vec<Vec<(Id, usize)>> {
    let mut readers = vec![Vec::new(); steps.len()];
    for (id, Reads { inputs, .. }) in steps.iter().enumerate() {
        inputs.iter().enumerate().for_each(|(index, &(input, _))| readers[input].push((id, index)));
    }
    readers
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
fn order(tasks: &mut [(usize, Task)], rings: &[Ring], lanes: usize) {
    /// How many tasks of each lane have to be done until its row is written, and until it is not needed any more.
    #[derive(Clone)]
    struct Slot {
        written: Vec<usize>,
        free: Vec<usize>,
    }
    let slot = Slot { written: vec![0; lanes], free: vec![0; lanes] };
    let mut slots: Vec<Vec<Slot>> = rings.iter().map(|ring| vec![slot.clone(); ring.slots()]).collect();
    let mut counts = vec![0; lanes];
    for (lane, task) in tasks {
        counts[*lane] += 1;
        let mut after = vec![0; lanes];
        let mut wait_for = |counts: &[usize]| {
            after.iter_mut().zip(counts).for_each(|(after, &count)| *after = count.max(*after));
        };
        for (id, rows) in &task.reads {
            for y in rows.clone() {
                let slot = &mut slots[*id][rings[*id].slot(y)];
                wait_for(&slot.written);
                slot.free[*lane] = counts[*lane];
            }
        }
        for y in task.rows.clone() {
            let slot = &mut slots[task.id][rings[task.id].slot(y)];
            wait_for(&slot.free);
            slot.written.fill(0);
            slot.written[*lane] = counts[*lane];
            slot.free.clone_from(&slot.written);
        }
        task.after = after.into_iter().enumerate().filter(|&(_, count)| count > 0).collect();
        task.after.shrink_to_fit();
    }
}

impl Reads {
    /// Rows that are computed together: 1 if they are nothing to each other.
    fn band(&self, pace: Pace) -> usize {
        if pace.bands { self.band } else { 1 }
    }

    /// The resizes of the maps that are read resized: all or none of them.
    fn resizes(&self, sizes: &[Size], to: Size) -> Vec<Resize> {
        let resizes = self.resized().map(|input| Resize {
            rows: Axis::new(sizes[input].height, to.height),
            columns: Axis::new(sizes[input].width, to.width),
        });
        resizes.collect()
    }

    /// The maps that are read resized.
    fn resized(&self) -> impl Iterator<Item = Id> {
        self.inputs.iter().filter(|(_, reach)| *reach == Reach::Resized).map(|&(input, _)| input)
    }
}

struct Stream<'a> {
    steps: &'a [Reads],
    sizes: &'a [Size],
    resizes: &'a [Vec<Resize>],
    /// The rows of each map that each lane computes.
    lanes: &'a [Vec<Range<usize>>],
    /// The steps that read each map, and as which of their inputs.
    readers: Vec<Vec<(Id, usize)>>,
}

/// How many rows of each map are done in each lane.
type Done = Vec<Vec<usize>>;

impl Stream<'_> {
    /// All tasks in order, each with its lane, and how many rows of each map every lane has to keep meanwhile.
    ///
    /// Tasks that overlap read what earlier passes wrote, and it is kept until the pass is over. Others read what
    /// was written just before, when it is still in the cache.
    fn play(&self, stages: &[Vec<Id>], pace: Pace) -> (Vec<(usize, Task)>, Vec<usize>) {
        let mut done: Done = vec![vec![0; pace.lanes]; self.steps.len()];
        let mut capacities = vec![0; self.steps.len()];
        let mut tasks = Vec::new();
        let mut fed = 0;
        while done.iter().zip(self.sizes).any(|(done, size)| done.iter().sum::<usize>() < size.height) {
            fed += pace.strip;
            for stage in stages {
                loop {
                    let before = done.clone();
                    for (id, lane) in stage.iter().flat_map(|&id| (0..pace.lanes).map(move |lane| (id, lane)))
                    {
                        let seen = if pace.overlap { &before } else { &done };
                        let from = done[id][lane];
                        let ready = self.ready(id, lane, seen, fed);
                        let ends = self.ends(id, lane, from, pace);
                        let last = ends.last().copied().unwrap_or(from);
                        let to = ready.min(last);
                        let is_whole = to == last || self.steps[id].band(pace) == 1;
                        if to > from && is_whole {
                            let kept = to - self.first_needed(id, lane, seen).min(from);
                            capacities[id] = kept.max(capacities[id]);
                            let starts = [from].into_iter().chain(ends.iter().copied());
                            let pieces = starts.zip(&ends).map(|(start, &end)| start..end.min(to));
                            for piece in pieces.filter(|piece| !piece.is_empty()) {
                                tasks.push((lane, self.task(id, self.rows(id, lane, piece))));
                            }
                            done[id][lane] = to;
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

    /// Where the tasks of a pass end that begins at row `from`, as the lane counts rows. One of bands has as many tasks as
    /// any other.
    fn ends(&self, id: Id, lane: usize, from: usize, pace: Pace) -> Vec<usize> {
        let Range { start, end } = self.lanes[id][lane];
        let band = self.steps[id].band(pace);
        let next = |&at: &usize| {
            let next = match band {
                1 => (at + pace.task).min(from + pace.pass),
                _ if is_down(lane) => (start + at) / band * band + band - start,
                _ => end - (end - at).saturating_sub(1) / band * band,
            };
            Some(next.min(end - start))
        };
        let ends = std::iter::successors(Some(from), next).skip(1);
        ends.take(pace.pass.div_ceil(pace.task)).collect()
    }

    /// Some rows of a map, counted in the order in which a lane computes them.
    fn rows(&self, id: Id, lane: usize, counted: Range<usize>) -> Range<usize> {
        let Range { start, end } = self.lanes[id][lane];
        if is_down(lane) {
            start + counted.start..start + counted.end
        } else {
            end - counted.end..end - counted.start
        }
    }

    fn task(&self, id: Id, rows: Range<usize>) -> Task {
        let mut reads: Vec<(Id, Range<usize>)> = Vec::new();
        for (index, &(input, _)) in self.steps[id].inputs.iter().enumerate() {
            let need = self.needs(id, index, &rows);
            match reads.iter_mut().find(|(other, _)| *other == input) {
                Some((_, rows)) => *rows = rows.start.min(need.start)..rows.end.max(need.end),
                None => reads.push((input, need)),
            }
        }
        reads.shrink_to_fit(); // a large image has many tasks
        Task { id, rows, reads, after: Vec::new() }
    }

    /// The rows of its `index`th input that some rows of a map need.
    fn needs(&self, id: Id, index: usize, rows: &Range<usize>) -> Range<usize> {
        let (input, reach) = self.steps[id].inputs[index];
        let (first, last) = (rows.start, rows.end - 1);
        match reach {
            Reach::Window { above, below } => {
                first.saturating_sub(above)..(last + below + 1).min(self.sizes[input].height)
            }
            Reach::Pair => 2 * first..2 * last + 2,
            Reach::Resized => {
                let axis = &self.resizes[id][index].rows;
                axis.at(first).first..axis.at(last).second + 1
            }
        }
    }

    /// How many rows of a map a lane can compute from what is done of the others, and from `fed` rows of the image.
    fn ready(&self, id: Id, lane: usize, done: &Done, fed: usize) -> usize {
        let inputs = &self.steps[id].inputs;
        let height = self.lanes[id][lane].len();
        let height = if inputs.is_empty() { height.min(fed) } else { height };
        let is_done = |input: Id, need: &Range<usize>| {
            (0..self.lanes[id].len()).all(|lane| {
                let need = common(need, &self.lanes[input][lane]);
                let rows = self.rows(input, lane, 0..done[input][lane]);
                need.is_empty() || rows.start <= need.start && need.end <= rows.end
            })
        };
        let computable = |at: &usize| {
            let row = self.rows(id, lane, *at..at + 1);
            (0..inputs.len()).all(|index| is_done(inputs[index].0, &self.needs(id, index, &row)))
        };
        let done = done[id][lane];
        (done..height).take_while(computable).last().map_or(done, |at| at + 1)
    }

    /// The first row of a map, as a lane counts them, that a row of another one needs that is not done.
    fn first_needed(&self, id: Id, lane: usize, done: &Done) -> usize {
        let own = &self.lanes[id][lane];
        let mut first = done[id][lane];
        for &(reader, index) in &self.readers[id] {
            for (other, rows) in self.lanes[reader].iter().enumerate() {
                let missing = self.rows(reader, other, done[reader][other]..rows.len());
                if !missing.is_empty() {
                    let need = common(&self.needs(reader, index, &missing), own);
                    let at = if is_down(lane) { need.start - own.start } else { own.end - need.end };
                    first = if need.is_empty() { first } else { first.min(at) };
                }
            }
        }
        first
    }
}

/// Whether a lane computes its first rows first.
fn is_down(lane: usize) -> bool {
    lane.is_multiple_of(2)
}

/// The rows in both ranges.
fn common(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
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
        let strips = (1..height + 2).flat_map(|strip| [1, 2, 3, 4].map(|lanes| (strip, lanes)));
        strips.flat_map(|(strip, lanes)| {
            [(1, 1, false), (3, 2, false), (3, 2, true), (50, 50, true)].map(|(pass, task, overlap)| Pace {
                lanes,
                strip,
                pass,
                task,
                overlap,
                bands: true,
            })
        })
    }

    /// The tasks in an order in which they can run: in turns of as many of each lane as `turns` says, and fewer
    /// where they have to wait.
    fn run(schedule: &Schedule, turns: [usize; 4]) -> Vec<&Task> {
        let mut done = vec![0; schedule.lanes.len()];
        let mut tasks = Vec::new();
        loop {
            let before = done.clone();
            for (lane, turn) in (0..done.len()).zip(turns) {
                let may_begin = |task: &&Task, done: &[usize]| {
                    task.after.iter().all(|&(other, count)| count <= done[other])
                };
                for _ in 0..turn {
                    let next = schedule.lanes[lane].get(done[lane]);
                    let Some(task) = next.filter(|task| may_begin(task, &done)) else { break };
                    done[lane] += 1;
                    tasks.push(task);
                }
            }
            if done == before {
                assert_eq!(tasks.len(), schedule.lanes.iter().map(Vec::len).sum::<usize>(), "all wait");
                return tasks;
            }
        }
    }

    #[test]
    fn every_row_is_computed_once_and_from_rows_that_are_still_there() {
        for (height, band) in (2..40).flat_map(|height| [(height, 1), (height, 6)]) {
            let (shapes, steps) = chain(band);
            for pace in paces(height) {
                let schedule = Schedule::new(&shapes, &steps, &[3], Size { height, width: 8 }, pace);
                for turns in [[1; 4], [1000; 4], [1, 1000, 1, 1000], [3, 1, 2, 5]] {
                    // For each map, which row is in each slot.
                    let mut held: Vec<Vec<Option<usize>>> =
                        schedule.rings.iter().map(|ring| vec![None; ring.slots()]).collect();
                    let mut counts = [0; 4];
                    for Task { id, rows, reads, .. } in run(&schedule, turns) {
                        if *id == 1 && band > 1 {
                            let whole = rows.start / band * band..height.min(rows.start + band);
                            assert_eq!(*rows, whole, "no band");
                        }
                        for (input, need) in reads {
                            for y in need.clone() {
                                let found = held[*input][schedule.rings[*input].slot(y)];
                                assert_eq!(found, Some(y), "{rows:?} of {id} from {input}, {pace:?}");
                            }
                        }
                        for y in rows.clone() {
                            held[*id][schedule.rings[*id].slot(y)] = Some(y);
                        }
                        counts[*id] += rows.len();
                    }
                    assert_eq!(
                        counts.to_vec(),
                        schedule.sizes.iter().map(|size| size.height).collect::<Vec<_>>()
                    );
                    assert_eq!(held[3], (0..height).map(Some).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn tasks_that_do_not_wait_for_each_other_share_no_rows() {
        for (height, band) in (2..24).flat_map(|height| [(height, 1), (height, 6)]) {
            let (shapes, steps) = chain(band);
            for pace in paces(height) {
                let schedule = Schedule::new(&shapes, &steps, &[3], Size { height, width: 8 }, pace);
                let slots = |id: Id, rows: &Range<usize>| -> Vec<(Id, usize)> {
                    rows.clone().map(|y| (id, schedule.rings[id].slot(y))).collect()
                };
                let reads = |task: &Task| task.reads.iter().flat_map(|(id, rows)| slots(*id, rows)).collect();
                let tasks = run(&schedule, [1; 4]);
                let waits = waits(&schedule, &tasks);
                for (at, late) in tasks.iter().enumerate() {
                    let (read, wrote): (Vec<_>, Vec<_>) = (reads(late), slots(late.id, &late.rows));
                    for (early, _) in tasks[..at].iter().zip(&waits[at]).filter(|(_, waits)| !**waits) {
                        let (other_read, other_wrote): (Vec<_>, Vec<_>) =
                            (reads(early), slots(early.id, &early.rows));
                        assert!(!read.iter().any(|row| other_wrote.contains(row)), "{early:?} {late:?}");
                        assert!(!wrote.iter().any(|row| other_wrote.contains(row)), "{early:?} {late:?}");
                        assert!(!wrote.iter().any(|row| other_read.contains(row)), "{early:?} {late:?}");
                    }
                }
            }
        }
    }

    /// For each task, for which of the others it waits, itself or because one of these does.
    fn waits(schedule: &Schedule, tasks: &[&Task]) -> Vec<Vec<bool>> {
        let mut waits: Vec<Vec<bool>> = Vec::new();
        let place = |task: &Task| tasks.iter().position(|other| std::ptr::eq(*other, task)).unwrap();
        let lanes: Vec<Vec<usize>> =
            schedule.lanes.iter().map(|lane| lane.iter().map(place).collect()).collect();
        for task in tasks {
            let mut all = vec![false; tasks.len()];
            for &(lane, count) in &task.after {
                for &before in &lanes[lane][..count] {
                    all[before] = true;
                    all.iter_mut().zip(&waits[before]).for_each(|(all, &other)| *all |= other);
                }
            }
            waits.push(all);
        }
        waits
    }

    #[test]
    fn threads_of_a_lane_find_tasks_that_need_not_wait() {
        let (shapes, steps) = chain(1);
        let pace = Pace { lanes: 1, strip: 16, pass: 4, task: 2, overlap: true, bands: false };
        let schedule = Schedule::new(&shapes, &steps, &[3], Size { height: 400, width: 8 }, pace);
        let tasks = &schedule.lanes[0];
        let waiting = tasks.iter().enumerate().filter(|(at, task)| task.after == [(0, *at)]).count();
        assert!(20 * waiting < tasks.len(), "{waiting} of {} tasks", tasks.len());
    }

    #[test]
    fn lanes_share_the_work_and_wait_for_each_other_where_they_meet() {
        let (shapes, steps) = chain(1);
        let pace = Pace { lanes: 4, strip: 8, pass: 2, task: 2, overlap: false, bands: false };
        let schedule = Schedule::new(&shapes, &steps, &[3], Size { height: 800, width: 8 }, pace);
        for (lane, tasks) in schedule.lanes.iter().enumerate() {
            assert!(tasks.len().abs_diff(schedule.lanes[0].len()) <= 4, "{}", tasks.len());
            let waits = |task: &Task| task.after.iter().any(|&(other, _)| other != lane);
            assert!(tasks.iter().filter(|task| waits(task)).count() < 20);
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_height() {
        let (shapes, steps) = chain(20);
        for (lanes, bands, most) in [(1, false, 12), (1, true, 30), (2, false, 24), (3, true, 90)] {
            let rings = |height| {
                let pace = Pace { lanes, strip: 8, pass: 2, task: 2, overlap: false, bands };
                let schedule = Schedule::new(&shapes, &steps, &[], Size { height, width: 8 }, pace);
                schedule.rings.iter().map(Ring::slots).collect::<Vec<_>>()
            };
            assert_eq!(rings(4000), rings(400));
            assert!(rings(400).iter().all(|&rows| rows <= most), "{:?}", rings(400));
        }
    }
}
