//! Threads that work through a list of tasks together.
//!
//! The tasks are taken in order, one at a time, by whoever is free; a task begins when all those before its
//! `after` are done. There is no other waiting.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// How far the crew is.
pub(super) struct Crew {
    next: AtomicUsize,
    done: Vec<AtomicBool>,
    failed: AtomicBool,
}

impl Crew {
    pub(super) fn new(tasks: usize) -> Self {
        let done = (0..tasks).map(|_| AtomicBool::new(false)).collect();
        Self { next: AtomicUsize::new(0), done, failed: AtomicBool::new(false) }
    }

    /// One thread's share of the work. `after(task)` must not exceed `task`.
    ///
    /// It returns when there is nothing left to take, or when another thread panicked.
    pub(super) fn work(&self, after: impl Fn(usize) -> usize, mut run: impl FnMut(usize)) {
        let _alarm = Alarm(&self.failed);
        let mut seen = 0; // all tasks before it are known to be done
        loop {
            let task = self.next.fetch_add(1, Ordering::Relaxed);
            if task >= self.done.len() {
                return;
            }
            while seen < after(task) {
                if !self.wait(seen) {
                    return;
                }
                seen += 1;
            }
            run(task);
            self.done[task].store(true, Ordering::Release);
        }
    }

    /// Waits until a task is done; false if it never will be.
    fn wait(&self, task: usize) -> bool {
        /// A task takes some microseconds, so it is soon done, unless its thread got no CPU.
        const SPINS: usize = 2000;
        let mut spins = 0;
        while !self.done[task].load(Ordering::Acquire) {
            if self.failed.load(Ordering::Relaxed) {
                return false;
            }
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
        true
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

    #[test]
    fn tasks_run_once_and_after_those_they_wait_for() {
        let after = |task: usize| task.saturating_sub(task % 7);
        let crew = Crew::new(500);
        let done = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    crew.work(after, |task| {
                        let mut done = done.lock().unwrap();
                        assert!((0..after(task)).all(|before| done.contains(&before)), "{task}: {done:?}");
                        done.push(task);
                    });
                });
            }
        });
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        assert_eq!(done, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let crew = Crew::new(100);
        thread::scope(|scope| {
            let work = || crew.work(|task| task, |task| assert_ne!(task, 10, "on purpose"));
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
            let failed = threads.into_iter().filter_map(|thread| thread.join().err()).count();
            assert_eq!(failed, 1);
        });
    }
}
