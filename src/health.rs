//! Whether the workers live and are ready: they state it, and the admin pages and the watchdog read it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Whether the workers live and are ready; clones share the state.
#[derive(Clone)]
pub struct Health(Arc<Shared>);

/// One worker's end of [`Health`].
#[derive(Clone)]
pub struct WorkerHealth {
    shared: Arc<Shared>,
    worker: usize,
}

/// What a worker needs to be ready. Having caught up is not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The brokers answer.
    Connected,
    /// The group has given the worker its partitions, be it none.
    Assigned,
    /// The state of these partitions is restored.
    Restored,
    /// The schemas of all records that came are there.
    Schemas,
}

struct Shared {
    clock_ms: Box<dyn Fn() -> u64 + Send + Sync>,
    stalled_ms: u64,
    stopping: AtomicBool,
    /// What keeps the workers from being started.
    waiting: Mutex<Option<String>>,
    workers: Vec<Worker>,
}

struct Worker {
    beat_ms: AtomicU64,
    conditions: AtomicU8,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 4] = [
        Self::Connected,
        Self::Assigned,
        Self::Restored,
        Self::Schemas,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    const fn lacking(self) -> &'static str {
        match self {
            Self::Connected => "is not connected to the brokers",
            Self::Assigned => "waits for its partitions",
            Self::Restored => "is restoring its state",
            Self::Schemas => "waits for the schema registry; the log says why it cannot be asked",
        }
    }
}

impl Health {
    /// The health of some workers, all alive and none ready.
    ///
    /// `clock_ms` counts milliseconds and never goes back. A worker without a sign of life for `stalled_seconds` of it
    /// counts as dead.
    pub fn new(
        workers: usize,
        stalled_seconds: u16,
        clock_ms: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let now_ms = clock_ms();
        let worker = || Worker {
            beat_ms: AtomicU64::new(now_ms),
            conditions: AtomicU8::new(0),
        };
        Self(Arc::new(Shared {
            clock_ms: Box::new(clock_ms),
            stalled_ms: u64::from(stalled_seconds) * 1000,
            stopping: AtomicBool::new(false),
            waiting: Mutex::new(None),
            workers: std::iter::repeat_with(worker).take(workers).collect(),
        }))
    }

    /// One end for each worker.
    pub fn workers(&self) -> Vec<WorkerHealth> {
        let worker = |worker| WorkerHealth {
            shared: self.0.clone(),
            worker,
        };
        (0..self.0.workers.len()).map(worker).collect()
    }

    /// States that the process is going to stop: it is not ready any more.
    pub fn stopping(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// States what keeps the workers from being started, if anything does. Whoever waits for it is alive.
    pub fn waits(&self, reason: Option<String>) {
        for worker in self.workers() {
            worker.beat();
        }
        *self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Why the process is not alive; empty if it is.
    pub fn stalled(&self) -> Vec<String> {
        let now_ms = (self.0.clock_ms)();
        let silent_ms =
            |worker: &Worker| now_ms.saturating_sub(worker.beat_ms.load(Ordering::Relaxed));
        let workers = self.0.workers.iter().map(silent_ms).enumerate();
        let stalled = workers.filter(|(_, silent_ms)| *silent_ms > self.0.stalled_ms);
        let reason = |(worker, silent_ms)| {
            format!(
                "worker {worker} has shown no sign of life for {} s",
                silent_ms / 1000
            )
        };
        stalled.map(reason).collect()
    }

    /// Why the process is not ready; empty if it is.
    pub fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.0.stopping.load(Ordering::Relaxed) {
            reasons.push("the process is shutting down".to_owned());
        }
        let waiting = self.0.waiting.lock();
        if let Some(reason) = &*waiting.unwrap_or_else(PoisonError::into_inner) {
            reasons.push(reason.clone());
            return reasons;
        }
        for (index, worker) in self.0.workers.iter().enumerate() {
            let met = worker.conditions.load(Ordering::Relaxed);
            let lacking = Condition::ALL
                .into_iter()
                .find(|condition| met & condition.bit() == 0);
            if let Some(condition) = lacking {
                reasons.push(format!("worker {index} {}", condition.lacking()));
            }
        }
        reasons
    }
}

impl WorkerHealth {
    /// No worker is needed in this place, so nobody waits for one.
    pub fn retire(&self) {
        if let Some(worker) = self.shared.workers.get(self.worker) {
            worker.beat_ms.store(u64::MAX, Ordering::Relaxed);
            worker.conditions.store(u8::MAX, Ordering::Relaxed);
        }
    }

    /// Shows a sign of life.
    pub fn beat(&self) {
        if let Some(worker) = self.shared.workers.get(self.worker) {
            worker
                .beat_ms
                .store((self.shared.clock_ms)(), Ordering::Relaxed);
        }
    }

    /// States whether a condition is met.
    pub fn set(&self, condition: Condition, met: bool) {
        let Some(worker) = self.shared.workers.get(self.worker) else {
            return;
        };
        if met {
            worker
                .conditions
                .fetch_or(condition.bit(), Ordering::Relaxed);
        } else {
            worker
                .conditions
                .fetch_and(!condition.bit(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(workers: usize) -> (Health, Arc<AtomicU64>) {
        let clock = Arc::new(AtomicU64::new(5_000));
        let read = clock.clone();
        (
            Health::new(workers, 60, move || read.load(Ordering::Relaxed)),
            clock,
        )
    }

    #[test]
    fn a_silent_worker_is_stalled_until_it_beats() {
        let (health, clock) = health(2);
        let workers = health.workers();
        clock.store(65_000, Ordering::Relaxed);
        assert!(health.stalled().is_empty());
        workers[0].beat();
        clock.store(65_001, Ordering::Relaxed);
        assert_eq!(
            health.stalled(),
            ["worker 1 has shown no sign of life for 60 s"]
        );
        workers[1].beat();
        assert!(health.stalled().is_empty());
    }

    #[test]
    fn who_waits_to_start_is_alive_and_says_what_for() {
        let (health, clock) = health(2);
        clock.store(65_000, Ordering::Relaxed);
        health.waits(Some("no broker answers".to_owned()));
        clock.store(125_000, Ordering::Relaxed);
        assert!(health.stalled().is_empty());
        assert_eq!(health.unready(), ["no broker answers"]);
        health.waits(None);
        assert_eq!(health.unready().len(), 2);
    }

    #[test]
    fn nobody_waits_for_a_worker_that_is_not_needed() {
        let (health, clock) = health(1);
        health.workers()[0].retire();
        clock.store(1_000_000, Ordering::Relaxed);
        assert!(health.stalled().is_empty());
        assert!(health.unready().is_empty());
    }

    #[test]
    fn readiness_names_the_first_condition_that_lacks() {
        let (health, _) = health(2);
        let workers = health.workers();
        for condition in Condition::ALL {
            workers[0].set(condition, true);
        }
        workers[1].set(Condition::Connected, true);
        assert_eq!(health.unready(), ["worker 1 waits for its partitions"]);
        workers[1].set(Condition::Assigned, true);
        assert_eq!(health.unready(), ["worker 1 is restoring its state"]);
        workers[1].set(Condition::Restored, true);
        let waits = "worker 1 waits for the schema registry; the log says why it cannot be asked";
        assert_eq!(health.unready(), [waits]);
        workers[1].set(Condition::Schemas, true);
        assert!(health.unready().is_empty());
        workers[0].set(Condition::Connected, false);
        assert_eq!(
            health.unready(),
            ["worker 0 is not connected to the brokers"]
        );
        health.stopping();
        assert_eq!(health.unready().len(), 2);
    }
}
