//! How the board stands with the brokers, for its pages.

use crate::runtime::clock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// How the board stands with the brokers. Times are milliseconds since 1970, and 0 is never.
#[derive(Debug, Default)]
pub struct Status {
    /// Since when the brokers do not answer.
    away_since: AtomicI64,
    /// Whether everything that was there at the start has been read.
    caught_up: AtomicBool,
    /// The latest time that a record states.
    latest: AtomicI64,
    /// Records that do not read.
    broken: AtomicU64,
    /// Whether time is that of the records.
    by_events: bool,
}

impl Status {
    /// With the time of the records, or real time.
    pub fn new(by_events: bool) -> Self {
        Self {
            by_events,
            ..Self::default()
        }
    }

    /// The board's time.
    pub fn now(&self) -> i64 {
        match self.by_events {
            true => self.latest.load(Ordering::Relaxed),
            false => clock::now().0,
        }
    }

    /// Records up to this time were read, so many of them in vain.
    pub fn took(&self, latest: i64, broken: u64) {
        self.latest.fetch_max(latest, Ordering::Relaxed);
        self.broken.fetch_add(broken, Ordering::Relaxed);
    }

    /// The brokers answer.
    pub fn here(&self) {
        self.away_since.store(0, Ordering::Relaxed);
    }

    /// The brokers do not answer.
    pub fn away(&self) {
        let now = clock::now().0;
        let set = |since| (since == 0).then_some(now);
        // It fails if they were away before, and then nothing is to be done.
        let _ = self
            .away_since
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, set);
    }

    /// Since when the brokers do not answer.
    pub fn away_since(&self) -> Option<i64> {
        Some(self.away_since.load(Ordering::Relaxed)).filter(|since| *since > 0)
    }

    /// Everything that was there at the start has been read.
    pub fn set_caught_up(&self) {
        self.caught_up.store(true, Ordering::Relaxed);
    }

    /// Whether everything that was there at the start has been read.
    pub fn caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Relaxed)
    }

    /// Records that do not read.
    pub fn broken(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }
}
