//! Threads that compute, and the memory that they keep for the next run: made anew in a forked process.
//!
//! A fork copies memory, but of the threads only the one that forked. What waits for the others waits for ever, be it
//! for work that was given to them or for a lock that one of them held. So nothing of this is shared with the process
//! that forked: who asks in a new process gets threads and locks of its own.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::threads::{self, Pool};

/// Threads, and memory `A` of finished runs.
#[derive(Debug)]
pub(crate) struct Workers<A> {
    threads: usize,
    /// Of the process that made this.
    first: Own<A>,
}

/// What belongs to one process.
#[derive(Debug)]
struct Own<A> {
    process: u32,
    /// None for one thread: the caller's.
    pool: Option<Pool>,
    idle: Mutex<Vec<A>>,
    /// That of a process that was forked from this one. Set by nobody in this one, and so free in every copy.
    forked: OnceLock<Box<Own<A>>>,
}

impl<A> Workers<A> {
    /// So many threads, by default one for each core; fewer where they are of no use or the system gives none.
    pub(crate) fn new(wanted: Option<NonZeroUsize>) -> Self {
        let pool = threads::pool(wanted);
        Self { threads: pool.as_ref().map_or(1, Pool::threads), first: Own::new(pool) }
    }

    /// How many threads share the work.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// The threads to share out work among; none where the caller's is the only one.
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
            // An answer does not depend on the number of threads, so fewer will do if there are no more.
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
    /// Threads of another process cannot be told to end.
    fn drop(&mut self) {
        if self.process != process()
            && let Some(pool) = self.pool.take()
        {
            pool.forget();
        }
    }
}

/// The number of this process, where there are several that one can fork from.
fn process() -> u32 {
    if cfg!(unix) { std::process::id() } else { 0 }
}
