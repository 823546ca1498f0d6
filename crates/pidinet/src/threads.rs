//! Threads, as many as are of use and the system gives.
//!
//! No result of this library depends on how many there are.

use std::num::NonZeroUsize;

/// Threads for each core beyond which more only cost memory and time to start.
const FOR_EACH_CORE: usize = 4;

/// A pool of `wanted` threads, by default one for each core; at most [four](self) for each core, and fewer where the
/// system gives fewer. `None` if it gives none but the caller's, or no more is wanted.
pub fn pool(wanted: Option<NonZeroUsize>) -> Option<rayon::ThreadPool> {
    pool_by(count(wanted), |threads| {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        builder.thread_name(|thread| format!("pidinet-{thread}")).build().map_err(|error| error.to_string())
    })
}

/// How many threads are of use, where so many are wanted, by default one for each core.
pub fn count(wanted: Option<NonZeroUsize>) -> usize {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN).get();
    wanted.map_or(cores, |wanted| wanted.get().min(FOR_EACH_CORE * cores.max(4)))
}

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
