use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A request to the workers of a process to end; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: bool,
    /// Why the process cannot go on.
    halt: Option<String>,
}

impl Stop {
    /// Asks: finish the batch, commit, leave the group.
    pub fn ask(&self) {
        self.state().asked = true;
        self.0.changed.notify_all();
    }

    /// Whether it was asked.
    pub fn asked(&self) -> bool {
        self.state().asked
    }

    /// Waits for some time, or until it is asked. Returns whether it was.
    pub fn wait(&self, pause: Duration) -> bool {
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.state(), pause, |state| !state.asked);
        waited.unwrap_or_else(PoisonError::into_inner).0.asked
    }

    /// Asks, and says why the process cannot go on; the first reason stays.
    pub(super) fn halt(&self, reason: String) {
        self.state().halt.get_or_insert(reason);
        self.ask();
    }

    /// Why the process cannot go on, if it cannot.
    pub(super) fn take_halt(&self) -> Option<String> {
        self.state().halt.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
