//! What each task has to wait for.

use super::task::{Ring, Task};

/// Finds out what each task has to wait for: the tasks that write what it reads, and those that read or wrote
/// the rows whose place in the ring it takes.
pub(super) fn order(tasks: &mut [(usize, Task)], rings: &[Ring], streams: usize) {
    /// How many tasks of each stream have to be done until its row is written, and until it is no longer
    /// needed.
    #[derive(Clone)]
    struct Slot {
        written: Vec<usize>,
        free: Vec<usize>,
    }
    let slot = Slot { written: vec![0; streams], free: vec![0; streams] };
    let mut slots: Vec<Vec<Slot>> = rings.iter().map(|ring| vec![slot.clone(); ring.slots()]).collect();
    let mut counts = vec![0; streams];
    for (stream, task) in tasks {
        counts[*stream] += 1;
        let mut after = vec![0; streams];
        let mut wait_for = |counts: &[usize]| {
            after.iter_mut().zip(counts).for_each(|(after, &count)| *after = count.max(*after));
        };
        for (id, rows) in &task.reads {
            for y in rows.clone() {
                let slot = &mut slots[*id][rings[*id].slot(y)];
                wait_for(&slot.written);
                slot.free[*stream] = counts[*stream];
            }
        }
        for y in task.rows.clone() {
            let slot = &mut slots[task.id][rings[task.id].slot(y)];
            wait_for(&slot.free);
            slot.written.fill(0);
            slot.written[*stream] = counts[*stream];
            slot.free.clone_from(&slot.written);
        }
        task.after = after.into_iter().enumerate().filter(|&(_, count)| count > 0).collect();
        task.after.shrink_to_fit();
    }
}
