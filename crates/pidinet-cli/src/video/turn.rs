//! Threads that wait for their turn.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A place where threads go through one after the other, in the order of their numbers from 0 on.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Whose turn it is; `None` if nobody's any more.
    next: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    is_over: bool,
}

impl Turn {
    /// Waits for the turn of `number`, does something in it, and lets the next one go on. `None` if all is over.
    pub(super) fn take<T>(&self, number: u64, work: impl FnOnce() -> T) -> Option<T> {
        let mut state = self.state();
        while state.next != number && !state.is_over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over {
            return None;
        }
        drop(state); // nobody else has this number
        let done = work();
        self.state().next += 1;
        self.changed.notify_all();
        Some(done)
    }

    /// Nobody waits any more.
    pub(super) fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_take_turns() {
        let (turn, told) = (Turn::default(), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for first in [3, 1, 0, 2] {
                let (turn, told) = (&turn, &told);
                scope.spawn(move || {
                    for number in (first..40).step_by(4) {
                        assert_eq!(turn.take(number, || told.lock().unwrap().push(number)), Some(()));
                    }
                });
            }
        });
        assert_eq!(told.into_inner().unwrap(), (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn who_waits_is_told_of_the_end() {
        let turn = Turn::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turn.take(7, || panic!("it is not its turn")));
            turn.end();
            assert!(waiting.join().unwrap().is_none());
        });
    }
}
