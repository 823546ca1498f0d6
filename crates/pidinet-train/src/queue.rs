//! Items prepared in the background while something else computes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Items that threads prepare one after another, a few in advance.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    loaders: Vec<Receiver<T>>,
    next: usize,
    /// If the system allows no threads: what prepares an item when it is wanted.
    inline: Option<Inline<T>>,
}

/// What prepares items, and the number of the next.
struct Inline<T> {
    item: Box<dyn Fn(u64) -> T + Send>,
    number: u64,
}

impl<T> std::fmt::Debug for Inline<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inline").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Queue<T> {
    /// Starts to prepare the items from number `first` on, with `loaders` threads, or without threads if the
    /// system allows none.
    pub(crate) fn start(
        first: u64,
        loaders: usize,
        item: impl Fn(u64) -> T + Clone + Send + 'static,
    ) -> Self {
        let loader = |loader: usize| {
            let (sender, receiver) = sync_channel(2);
            let item = item.clone();
            let load = move || {
                // Ends when no more items are wanted.
                let mut number = first + loader as u64;
                while sender.send(item(number)).is_ok() {
                    number += loaders as u64;
                }
            };
            std::thread::Builder::new().name("loader".to_owned()).spawn(load).map(|_| receiver)
        };
        match (0..loaders).map(loader).collect::<std::io::Result<Vec<_>>>() {
            Ok(loaders) => Self { loaders, next: 0, inline: None },
            Err(error) => {
                log::debug!("no threads to prepare batches: {error}");
                Self {
                    loaders: Vec::new(),
                    next: 0,
                    inline: Some(Inline { item: Box::new(item), number: first }),
                }
            }
        }
    }

    /// The next item; `None` if `stop` becomes true before it is ready.
    ///
    /// # Panics
    ///
    /// If a loader panicked.
    pub(crate) fn next(&mut self, stop: &AtomicBool) -> Option<T> {
        const PATIENCE: Duration = Duration::from_millis(50);
        if let Some(Inline { item, number }) = &mut self.inline {
            *number += 1;
            return Some(item(*number - 1));
        }
        let loader = &self.loaders[self.next];
        self.next = (self.next + 1) % self.loaders.len();
        loop {
            match loader.recv_timeout(PATIENCE) {
                Ok(item) => return Some(item),
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("loaders send items as long as they are wanted")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_an_item_when_all_is_to_stop() {
        let mut queue = Queue::start(0, 1, |number: u64| {
            if number == 1 {
                std::thread::park_timeout(Duration::from_secs(600)); // a file that does not come
            }
            number
        });
        let stop = AtomicBool::new(false);
        assert_eq!(queue.next(&stop), Some(0));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(queue.next(&stop), None);
    }
}
