//! Schedules played through: every row is computed once, from rows that are there, and no two tasks conflict.

use std::ops::Range;

use super::*;
use crate::edges::plan::reads::Reach;

const TWO: Reach = Reach::Window { above: 2, below: 2 };

/// Four steps, the second of which wants bands.
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
    let strips = (1..height + 2).flat_map(|strip| [1, 2, 3, 4].map(|streams| (strip, streams)));
    strips.flat_map(|(strip, streams)| {
        [(1, 1, false), (3, 2, false), (3, 2, true), (50, 50, true)].map(|(pass, task, overlap)| Pace {
            streams,
            strip,
            pass,
            task,
            overlap,
            bands: true,
        })
    })
}

/// The tasks in an order in which they can run: each stream in turn runs as many as `turns` says, or fewer
/// where it has to wait.
fn run(schedule: &Schedule, turns: [usize; 4]) -> Vec<&Task> {
    let mut done = vec![0; schedule.streams.len()];
    let mut tasks = Vec::new();
    loop {
        let before = done.clone();
        for (stream, turn) in (0..done.len()).zip(turns) {
            let may_begin =
                |task: &&Task, done: &[usize]| task.after.iter().all(|&(other, count)| count <= done[other]);
            for _ in 0..turn {
                let next = schedule.streams[stream].get(done[stream]);
                let Some(task) = next.filter(|task| may_begin(task, &done)) else { break };
                done[stream] += 1;
                tasks.push(task);
            }
        }
        if done == before {
            assert_eq!(tasks.len(), schedule.streams.iter().map(Vec::len).sum::<usize>(), "all wait");
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

/// For each task, which of the others it waits for, directly or indirectly.
fn waits(schedule: &Schedule, tasks: &[&Task]) -> Vec<Vec<bool>> {
    let mut waits: Vec<Vec<bool>> = Vec::new();
    let place = |task: &Task| tasks.iter().position(|other| std::ptr::eq(*other, task)).unwrap();
    let streams: Vec<Vec<usize>> =
        schedule.streams.iter().map(|stream| stream.iter().map(place).collect()).collect();
    for task in tasks {
        let mut all = vec![false; tasks.len()];
        for &(stream, count) in &task.after {
            for &before in &streams[stream][..count] {
                all[before] = true;
                all.iter_mut().zip(&waits[before]).for_each(|(all, &other)| *all |= other);
            }
        }
        waits.push(all);
    }
    waits
}

#[test]
fn threads_of_a_stream_find_tasks_that_need_not_wait() {
    let (shapes, steps) = chain(1);
    let pace = Pace { streams: 1, strip: 16, pass: 4, task: 2, overlap: true, bands: false };
    let schedule = Schedule::new(&shapes, &steps, &[3], Size { height: 400, width: 8 }, pace);
    let tasks = &schedule.streams[0];
    let waiting = tasks.iter().enumerate().filter(|(at, task)| task.after == [(0, *at)]).count();
    assert!(20 * waiting < tasks.len(), "{waiting} of {} tasks", tasks.len());
}

#[test]
fn lanes_share_the_work_and_wait_for_each_other_where_they_meet() {
    let (shapes, steps) = chain(1);
    let pace = Pace { streams: 4, strip: 8, pass: 2, task: 2, overlap: false, bands: false };
    let schedule = Schedule::new(&shapes, &steps, &[3], Size { height: 800, width: 8 }, pace);
    for (stream, tasks) in schedule.streams.iter().enumerate() {
        assert!(tasks.len().abs_diff(schedule.streams[0].len()) <= 4, "{}", tasks.len());
        let waits = |task: &Task| task.after.iter().any(|&(other, _)| other != stream);
        assert!(tasks.iter().filter(|task| waits(task)).count() < 20);
    }
}

#[test]
fn memory_does_not_grow_with_the_height() {
    let (shapes, steps) = chain(20);
    for (streams, bands, most) in [(1, false, 12), (1, true, 30), (2, false, 24), (3, true, 90)] {
        let rings = |height| {
            let pace = Pace { streams, strip: 8, pass: 2, task: 2, overlap: false, bands };
            let schedule = Schedule::new(&shapes, &steps, &[], Size { height, width: 8 }, pace);
            schedule.rings.iter().map(Ring::slots).collect::<Vec<_>>()
        };
        assert_eq!(rings(4000), rings(400));
        assert!(rings(400).iter().all(|&rows| rows <= most), "{:?}", rings(400));
    }
}
