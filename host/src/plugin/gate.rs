//! Keeps the promise that an adapter is called at most `max_in_flight` times at once, whoever calls.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::locked::lock;

/// The gate in front of one adapter.
pub(super) struct Gate {
    state: Mutex<Passes>,
    freed: Condvar,
}

struct Passes {
    free: u32,
    /// To wake somebody costs a system call even if nobody waits, and nearly always nobody does.
    waiting: u32,
}

impl Gate {
    pub(super) fn new(free: u32) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(Passes { free, waiting: 0 }),
            freed: Condvar::new(),
        })
    }

    /// Waits for a pass; not longer than `limit`, if there is one.
    pub(super) fn enter(self: &Arc<Self>, limit: Option<Duration>) -> Option<Pass> {
        let mut state = self.lock();
        if state.free == 0 {
            state.waiting += 1;
            state = match limit {
                None => self
                    .freed
                    .wait_while(state, |state| state.free == 0)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    self.freed
                        .wait_timeout_while(state, limit, |state| state.free == 0)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
            state.waiting -= 1;
            if state.free == 0 {
                return None;
            }
        }
        state.free -= 1;
        Some(Pass(self.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Passes> {
        lock(&self.state)
    }
}

/// The right to make one call. It belongs to the call and not to whoever waits for it: a call that is given up
/// is still under way in the adapter.
pub(super) struct Pass(Arc<Gate>);

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.free += 1;
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;

    #[test]
    fn no_more_pass_the_gate_than_it_lets() {
        let gate = Gate::new(2);
        let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _pass = gate.enter(None).expect("it is waited for");
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(gate.lock().free, 2);
    }

    #[test]
    fn who_waits_at_the_gate_is_let_in() {
        let gate = Gate::new(1);
        let (sender, receiver) = mpsc::channel();
        let pass = gate.enter(None);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _pass = gate.enter(None);
                sender.send(()).expect("the test waits for it");
            });
            while gate.lock().waiting == 0 {
                std::thread::yield_now();
            }
            assert!(receiver.try_recv().is_err());
            drop(pass);
            receiver.recv().expect("it is let in");
        });
    }

    #[test]
    fn nobody_waits_longer_than_they_want() {
        let gate = Gate::new(1);
        let pass = gate.enter(None);
        assert!(gate.enter(Some(Duration::from_millis(1))).is_none());
        drop(pass);
        assert!(gate.enter(Some(Duration::ZERO)).is_some());
        assert_eq!(gate.lock().free, 1);
        assert_eq!(gate.lock().waiting, 0);
    }
}
