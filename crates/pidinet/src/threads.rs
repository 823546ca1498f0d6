//! Threads: as many as are useful and the system allows.
//!
//! No result of this library depends on their number.

use std::num::NonZeroUsize;

/// Threads for each core; more would only cost memory and time to start.
const FOR_EACH_CORE: usize = 4;

/// A pool of `wanted` threads, by default one for each core; at most four for each core, and fewer if the
/// system allows fewer. `None` if the caller's thread is all that is wanted or that the system allows, or if
/// this library was built without its feature `threads`.
pub fn pool(wanted: Option<NonZeroUsize>) -> Option<Pool> {
    Pool::new(count(wanted))
}

/// How many threads are useful if this many are wanted, by default one for each core.
pub fn count(wanted: Option<NonZeroUsize>) -> usize {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN).get();
    wanted.map_or(cores, |wanted| wanted.get().min(FOR_EACH_CORE * cores.max(4)))
}

/// Threads to divide work among.
#[cfg(feature = "threads")]
#[derive(Debug)]
pub struct Pool(rayon::ThreadPool);

#[cfg(feature = "threads")]
impl Pool {
    fn new(threads: usize) -> Option<Self> {
        let pool = pool_by(threads, |threads| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let builder = builder.thread_name(|thread| format!("pidinet-{thread}"));
            builder.build().map_err(|error| error.to_string())
        });
        pool.map(Self)
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Runs work on these threads; `rayon` divides it among them.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }

    /// Runs the work on each thread, passing it the thread's number; the results are in the order of the
    /// threads.
    pub(crate) fn on_each<R: Send>(&self, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
        self.0.broadcast(|thread| work(thread.index()))
    }

    /// The results for all items, in their order.
    pub(crate) fn map<T: Sync, R: Send>(&self, items: &[T], each: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
        use rayon::prelude::*;
        self.0.install(|| items.par_iter().with_max_len(1).map(each).collect())
    }

    /// Leaves the threads alone: they belong to another process.
    pub(crate) fn forget(self) {
        std::mem::forget(self);
    }

    /// Whether the caller is a thread of a pool.
    pub(crate) fn is_caller_in_one() -> bool {
        rayon::current_thread_index().is_some()
    }
}

/// Calls a function for each chunk of `length` elements of `data`, with the chunk's number, the chunk, and a
/// scratch of its own, on the threads of the pool that the caller is in.
#[cfg(feature = "threads")]
pub(crate) fn for_each_chunk<T: Send, S: Send>(
    data: &mut [T],
    length: usize,
    scratch: &mut [S],
    each: impl Fn((usize, (&mut [T], &mut S))) + Send + Sync,
) {
    use rayon::prelude::*;
    data.par_chunks_mut(length).zip(scratch).enumerate().for_each(each);
}

/// Threads to divide work among: without the feature `threads` there are none.
#[cfg(not(feature = "threads"))]
#[derive(Debug)]
pub enum Pool {}

#[cfg(not(feature = "threads"))]
impl Pool {
    fn new(_: usize) -> Option<Self> {
        None
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        match *self {}
    }

    /// Runs work on these threads.
    pub fn install<R: Send>(&self, _: impl FnOnce() -> R + Send) -> R {
        match *self {}
    }

    pub(crate) fn on_each<R: Send>(&self, _: impl Fn(usize) -> R + Sync) -> Vec<R> {
        match *self {}
    }

    pub(crate) fn map<T: Sync, R: Send>(&self, _: &[T], _: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
        match *self {}
    }

    pub(crate) fn forget(self) {
        match self {}
    }

    pub(crate) fn is_caller_in_one() -> bool {
        false
    }
}

/// Calls a function for each chunk of `length` elements of `data`, with the chunk's number, the chunk, and a
/// scratch of its own.
#[cfg(not(feature = "threads"))]
pub(crate) fn for_each_chunk<T: Send, S: Send>(
    data: &mut [T],
    length: usize,
    scratch: &mut [S],
    each: impl Fn((usize, (&mut [T], &mut S))) + Send + Sync,
) {
    data.chunks_mut(length).zip(scratch).enumerate().for_each(each);
}

#[cfg(any(feature = "threads", test))]
fn pool_by<P>(mut threads: usize, start: impl Fn(usize) -> Result<P, String>) -> Option<P> {
    while threads > 1 {
        match start(threads) {
            Ok(pool) => return Some(pool),
            Err(error) => log::debug!("{threads} threads cannot be had: {error}"),
        }
        threads /= 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_cannot_be_had_are_done_without() {
        let system = |gives| move |wanted| if wanted > gives { Err("no".to_owned()) } else { Ok(wanted) };
        assert_eq!(pool_by(8, system(100)), Some(8));
        assert_eq!(pool_by(8, system(5)), Some(4));
        assert_eq!(pool_by(8, system(1)), None);
        assert_eq!(pool_by(1, system(100)), None);
    }

    #[test]
    fn thousands_of_threads_are_of_no_use() {
        let cores = count(None);
        assert!((16..=4 * cores.max(4)).contains(&count(NonZeroUsize::new(2000))));
        assert_eq!(count(NonZeroUsize::new(3)), 3);
    }
}
