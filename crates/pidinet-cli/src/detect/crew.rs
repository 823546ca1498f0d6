//! Many images at a time, told of in their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `work` for every number below `count`, on `workers` threads, and calls `tell` with the results in the
/// order of the numbers. Ends early if `tell` fails.
pub(super) fn in_order<T: Send>(
    count: usize,
    workers: usize,
    work: impl Fn(usize) -> T + Sync,
    mut tell: impl FnMut(usize, T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers.min(count) {
            let (sender, next, stop, work) = (sender.clone(), &next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || sender.send((number, work(number))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (number, result) in results {
            early.insert(number, result);
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
            in_order(30, workers, slow, |number, result| {
                told.push((number, result));
                Ok(())
            })
            .unwrap();
            assert_eq!(told, (0..30).map(|number| (number, 2 * number)).collect::<Vec<_>>());
        }
        in_order(0, 3, |_| (), |_, ()| panic!("there is nothing to tell")).unwrap();
    }

    #[test]
    fn nothing_is_begun_after_a_failure() {
        let begun = AtomicUsize::new(0);
        let work = |_| begun.fetch_add(1, Ordering::Relaxed);
        let result = in_order(1_000_000, 2, work, |number, _| {
            anyhow::ensure!(number < 3, "enough");
            Ok(())
        });
        assert_eq!(result.unwrap_err().to_string(), "enough");
        assert!(begun.into_inner() < 1_000_000);
    }
}
