//! Processing many images at a time, and reporting them in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use super::files::DOZEN;

/// Does `work` for every number below `count` on `workers` threads. Results are settled in the calling thread
/// as they arrive, all waiting ones together, and `tell` is called with the settled results in the order of
/// the numbers. Ends early if `tell` fails.
///
/// If the system refuses threads, those that could be started do their work; if there are none, the calling
/// thread does.
pub(super) fn in_order<T: Send, U>(
    count: usize,
    workers: usize,
    work: impl Fn(usize) -> T + Sync,
    mut settle: impl FnMut(Vec<T>) -> Vec<U>,
    mut tell: impl FnMut(usize, U) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Threads wait for this one when there is enough to settle, so that waiting files do not pile up.
    let (sender, results) = mpsc::sync_channel(DOZEN.max(workers));
    std::thread::scope(|scope| {
        let mut begun = 0;
        for _ in 0..workers.min(count) {
            let (sender, next, stop, work) = (sender.clone(), &next, &stop, &work);
            let worker = std::thread::Builder::new().spawn_scoped(scope, move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || sender.send((number, work(number))).is_err() {
                        break;
                    }
                }
            });
            match worker {
                Ok(_) => begun += 1,
                Err(error) => {
                    log::debug!("working with {begun} threads instead of {workers}: {error}");
                    break;
                }
            }
        }
        drop(sender);
        if begun == 0 {
            let mut settled = |number| settle(vec![work(number)]).into_iter();
            return (0..count).try_for_each(|number| settled(number).try_for_each(|done| tell(number, done)));
        }
        let results = results; // gone when this ends, or threads would wait to be heard
        let mut early = BTreeMap::new();
        let mut due = 0;
        while let Ok(first) = results.recv() {
            let some = std::iter::once(first).chain(results.try_iter().take(DOZEN - 1));
            let (numbers, some): (Vec<usize>, Vec<T>) = some.unzip();
            early.extend(numbers.into_iter().zip(settle(some)));
            while let Some(result) = early.remove(&due) {
                tell(due, result).inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_from_any_number_of_workers() {
        for workers in 1..5 {
            let mut told = Vec::new();
            let slow = |number: usize| {
                std::thread::sleep(std::time::Duration::from_micros((number * 7919 % 13) as u64 * 100));
                number * 2
            };
            let settle = |results: Vec<usize>| results.into_iter().map(|result| result + 1).collect();
            in_order(30, workers, slow, settle, |number, result| {
                told.push((number, result));
                Ok(())
            })
            .unwrap();
            assert_eq!(told, (0..30).map(|number| (number, 2 * number + 1)).collect::<Vec<_>>());
        }
        in_order(0, 3, |_| (), |results| results, |_, ()| panic!("there is nothing to tell")).unwrap();
    }

    #[test]
    fn nothing_is_begun_after_a_failure() {
        let begun = AtomicUsize::new(0);
        let work = |_| begun.fetch_add(1, Ordering::Relaxed);
        let result = in_order(
            1_000_000,
            2,
            work,
            |results| results,
            |number, _| {
                anyhow::ensure!(number < 3, "enough");
                Ok(())
            },
        );
        assert_eq!(result.unwrap_err().to_string(), "enough");
        assert!(begun.into_inner() < 1_000_000);
    }
}
