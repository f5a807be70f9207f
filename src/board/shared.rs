use super::alerts::Figures;
use super::session::Sessions;
use super::status::Status;
use super::store::{Store, StoreError, Topics};
use crate::config::Config;
use crate::model::Timestamp;
use crate::runtime::clock;
use crate::telemetry::{BoardReport, BoardTelemetry};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the parts of the board share.
pub(super) struct Shared {
    pub config: Config,
    pub topics: Topics,
    pub store: Store,
    pub status: Arc<Status>,
    pub alerts: Arc<Figures>,
    pub telemetry: BoardTelemetry,
    pub sessions: Sessions,
    /// Exports that may run at a time: each reads the store for as long as its reader takes.
    pub exports: Arc<Semaphore>,
    /// Overviews that may be worked out at a time: each reads all tasks of a region.
    pub rollups: Arc<Semaphore>,
}

impl Shared {
    /// The board's time, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.status.now()
    }

    /// When the first of so many local days began, today being the last of them.
    pub fn day_began(&self, days: u16) -> i64 {
        let calendar = &self.config.rules.calendar;
        let first = calendar.day_of(Timestamp(self.now())) + 1 - i32::from(days);
        calendar.start_of(first).0
    }

    /// All metrics in Prometheus' text format.
    pub fn metrics(&self) -> Result<String, String> {
        let store = |error: StoreError| error.to_string();
        let now = clock::now().0;
        let since = |at: i64| (now - at).max(0) as f64 / 1000.0;
        let waiting = self.store.waiting().map_err(store)?;
        let report = BoardReport {
            away_seconds: self.status.away_since().map_or(0.0, since),
            outbox_records: waiting.letters,
            outbox_seconds: match waiting.letters {
                0 => 0.0,
                _ => since(waiting.since),
            },
            tasks: self.store.tasks_by_tier(self.now()).map_err(store)?,
            store_bytes: self.store.bytes(),
        };
        self.telemetry
            .render(&report)
            .map_err(|error| error.to_string())
    }

    /// Time that never goes back, for sessions.
    pub fn uptime_ms(&self) -> u64 {
        clock::monotonic_ms()
    }
}
