//! The one place where the time is read.
#![allow(clippy::disallowed_methods)]

use crate::model::Timestamp;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall time.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Milliseconds since some moment before; never goes back.
pub fn monotonic_ms() -> u64 {
    static BEGIN: LazyLock<Stopwatch> = LazyLock::new(Stopwatch::start);
    u64::try_from(BEGIN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Measures how long something takes, unmoved by changes of the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts at zero.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Whether this much time has passed.
    pub fn reached(&self, limit: Duration) -> bool {
        self.elapsed() >= limit
    }
}
