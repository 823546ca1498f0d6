//! Threads that compute, and the memory that they keep for the next run; a forked process makes its own.
//!
//! A fork copies all memory, but only the thread that forked. Anything that waits for another thread, for its
//! work or for a lock that it held, waits forever. So none of this is shared with the parent: the first use
//! in a new process makes threads and locks of its own.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::threads::{self, Pool};

/// Threads, and memory `A` of finished runs.
#[derive(Debug)]
pub(crate) struct Workers<A> {
    threads: usize,
    /// Those of the process that made this.
    first: Own<A>,
}

/// What belongs to one process.
#[derive(Debug)]
struct Own<A> {
    process: u32,
    /// None for one thread: the caller's.
    pool: Option<Pool>,
    idle: Mutex<Vec<A>>,
    /// Those of a process forked from this one. The parent never sets it, so it is free in every copy.
    forked: OnceLock<Box<Own<A>>>,
}

impl<A> Workers<A> {
    /// This many threads, by default one for each core; fewer if more are useless or the system allows no
    /// more.
    pub(crate) fn new(wanted: Option<NonZeroUsize>) -> Self {
        let pool = threads::pool(wanted);
        Self { threads: pool.as_ref().map_or(1, Pool::threads), first: Own::new(pool) }
    }

    /// How many threads share the work.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// The threads to divide work among; none if the caller's is the only one.
    pub(crate) fn pool(&self) -> Option<&Pool> {
        self.own().pool.as_ref()
    }

    /// The memory of finished runs.
    pub(crate) fn idle(&self) -> MutexGuard<'_, Vec<A>> {
        self.own().idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What belongs to this process.
    fn own(&self) -> &Own<A> {
        let mut last = &self.first;
        while let Some(forked) = last.forked.get() {
            last = forked;
        }
        if last.process == process() {
            return last;
        }
        last.forked.get_or_init(|| {
            // Results do not depend on the number of threads, so fewer will do if the system allows no more.
            Box::new(Own::new(threads::pool(NonZeroUsize::new(self.threads))))
        })
    }
}

impl<A> Own<A> {
    fn new(pool: Option<Pool>) -> Self {
        Self { process: process(), pool, idle: Mutex::default(), forked: OnceLock::new() }
    }
}

impl<A> Drop for Own<A> {
    /// Threads of another process cannot be stopped.
    fn drop(&mut self) {
        if self.process != process()
            && let Some(pool) = self.pool.take()
        {
            pool.forget();
        }
    }
}

/// The id of this process, on systems where processes fork.
fn process() -> u32 {
    if cfg!(unix) { std::process::id() } else { 0 }
}
