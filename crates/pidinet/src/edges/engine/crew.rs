//! Threads that work through lists of tasks together.
//!
//! A task says how many tasks of which lists must be done before it can begin. Each thread takes the tasks of
//! its own list in order, and those of other lists when its own has none that can begin. It only ever takes a
//! task that can begin, so a thread that comes late, or never, holds nobody up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::edges::schedule::task::Task;

/// How far the crew has got.
pub(super) struct Crew<'a> {
    lists: Vec<List<'a>>,
    failed: AtomicBool,
}

/// How far a list has got; in a cache line of its own, since mostly one thread writes to it.
#[repr(align(128))]
struct List<'a> {
    tasks: &'a [Task],
    next: AtomicUsize,
    done: Vec<AtomicBool>,
}

impl<'a> Crew<'a> {
    pub(super) fn new(lists: &'a [Vec<Task>]) -> Self {
        let list = |tasks: &'a Vec<Task>| List {
            tasks,
            next: AtomicUsize::new(0),
            done: tasks.iter().map(|_| AtomicBool::new(false)).collect(),
        };
        Self { lists: lists.iter().map(list).collect(), failed: AtomicBool::new(false) }
    }

    /// One thread's share of the work.
    ///
    /// It returns when there is nothing left to take, or when another thread panicked.
    pub(super) fn work(&self, thread: usize, mut run: impl FnMut(&Task)) {
        /// A task takes a few microseconds, so another one can soon begin, unless the thread that runs it has no CPU.
        const SPINS: usize = 2000;
        let _alarm = Alarm(&self.failed);
        let mut seen = vec![0; self.lists.len()]; // all tasks before it are known to be done
        let mut spins = 0;
        while !self.failed.load(Ordering::Relaxed) {
            if self.take(thread, &mut seen, &mut run) {
                spins = 0;
            } else if self.lists.iter().all(List::is_taken) {
                return;
            } else if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
    }

    /// Runs a task if there is one that can begin.
    fn take(&self, thread: usize, seen: &mut [usize], run: &mut impl FnMut(&Task)) -> bool {
        let count = self.lists.len();
        for list in (0..count).map(|index| &self.lists[(thread + index) % count]) {
            let at = list.next.load(Ordering::Relaxed);
            let Some(task) = list.tasks.get(at) else { continue };
            let can_begin = task.after.iter().all(|&(other, count)| {
                let seen = &mut seen[other];
                *seen += self.lists[other].done_from(*seen, count);
                *seen >= count
            });
            if can_begin && list.take(at) {
                run(task);
                list.done[at].store(true, Ordering::Release);
                return true;
            }
        }
        false
    }
}

impl List<'_> {
    /// How many tasks from `first` on are done, counting up to the first unfinished one or to `end`.
    fn done_from(&self, first: usize, end: usize) -> usize {
        (first..end).take_while(|&at| self.done[at].load(Ordering::Acquire)).count()
    }

    /// Takes the task `at`, unless another thread did.
    fn take(&self, at: usize) -> bool {
        self.next.compare_exchange(at, at + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether there is nothing left to take.
    fn is_taken(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.tasks.len()
    }
}

/// Tells the others of a panic.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Three lists of 200 tasks, numbered in turn. Each waits for all before it except the last `number % 7`.
    fn lists() -> Vec<Vec<Task>> {
        let task = |id: usize| {
            let before = id - id % 7;
            let after = (0..3).map(|list| (list, (before + 2 - list) / 3)).collect();
            Task { id, rows: 0..1, reads: Vec::new(), after }
        };
        (0..3).map(|list| (0..200).map(|at| task(3 * at + list)).collect()).collect()
    }

    #[test]
    fn tasks_run_once_and_after_those_they_wait_for() {
        let lists = lists();
        for threads in [1, 2, 4] {
            let crew = Crew::new(&lists);
            let done = Mutex::new(Vec::new());
            let run = |task: &Task| {
                let mut done = done.lock().unwrap();
                assert!(
                    (0..task.id - task.id % 7).all(|before| done.contains(&before)),
                    "{task:?}: {done:?}"
                );
                done.push(task.id);
            };
            thread::scope(|scope| {
                let (crew, run) = (&crew, &run);
                (0..threads).for_each(|thread| drop(scope.spawn(move || crew.work(thread, run))));
            });
            let mut done = done.into_inner().unwrap();
            done.sort_unstable();
            assert_eq!(done, (0..600).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let lists = lists();
        let crew = Crew::new(&lists);
        thread::scope(|scope| {
            let work = |thread: usize| crew.work(thread, |task| assert_ne!(task.id, 10, "on purpose"));
            let threads: Vec<_> = (0..3).map(|thread| scope.spawn(move || work(thread))).collect();
            let failed = threads.into_iter().filter_map(|thread| thread.join().err()).count();
            assert_eq!(failed, 1);
        });
    }
}
