//! The one place where the time is read.
#![allow(clippy::disallowed_methods)]

use crate::model::Timestamp;
use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

thread_local! {
    static SIMULATED_MS: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Sets this thread's time, in milliseconds since 1970, or with none returns it to the real one: a simulated world has a
/// time of its own.
pub fn simulate(time_ms: Option<u64>) {
    SIMULATED_MS.set(time_ms);
}

/// Wall time.
pub fn now() -> Timestamp {
    let real = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_millis()
    };
    let time_ms = SIMULATED_MS.get().map_or_else(real, u128::from);
    Timestamp(i64::try_from(time_ms).unwrap_or(i64::MAX))
}

/// Nanoseconds since 1970: a number that does not come again.
pub fn nanoseconds() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_nanos()
}

/// Milliseconds since some moment before; never goes back.
pub fn monotonic_ms() -> u64 {
    u64::try_from(since_begin().as_millis()).unwrap_or(u64::MAX)
}

fn since_begin() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    match SIMULATED_MS.get() {
        Some(time_ms) => Duration::from_millis(time_ms),
        None => BEGIN.elapsed(),
    }
}

/// Measures how long something takes, unmoved by changes of the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Duration);

impl Stopwatch {
    /// Starts at zero.
    pub fn start() -> Self {
        Self(since_begin())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        since_begin().saturating_sub(self.0)
    }

    /// Whether this much time has passed.
    pub fn reached(&self, limit: Duration) -> bool {
        self.elapsed() >= limit
    }
}
