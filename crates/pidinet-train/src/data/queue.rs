//! What is prepared while something else computes.

use std::sync::mpsc::{Receiver, sync_channel};

/// Items that threads of their own prepare one after the other, a few in advance.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    loaders: Vec<Receiver<T>>,
    next: usize,
}

impl<T: Send + 'static> Queue<T> {
    /// Starts to prepare the items from number `first` on, with `loaders` threads.
    pub(crate) fn start(
        first: u64,
        loaders: usize,
        item: impl Fn(u64) -> T + Clone + Send + 'static,
    ) -> Self {
        let loader = |loader: usize| {
            let (sender, receiver) = sync_channel(2);
            let item = item.clone();
            std::thread::spawn(move || {
                // Ends when nobody wants another item.
                let mut number = first + loader as u64;
                while sender.send(item(number)).is_ok() {
                    number += loaders as u64;
                }
            });
            receiver
        };
        Self { loaders: (0..loaders).map(loader).collect(), next: 0 }
    }

    /// The next item.
    ///
    /// # Panics
    ///
    /// If a loader did.
    pub(crate) fn next(&mut self) -> T {
        let loader = &self.loaders[self.next];
        self.next = (self.next + 1) % self.loaders.len();
        loader.recv().expect("loaders send items as long as they are wanted")
    }
}
