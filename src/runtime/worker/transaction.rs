use crate::runtime::clock::Stopwatch;
use std::time::Duration;

/// What the next transaction will cover.
#[derive(Default)]
pub(super) struct Uncommitted {
    pub records: usize,
    /// Since the first of them, or since the first offset that moved without a record.
    pub since: Option<Stopwatch>,
}

impl Uncommitted {
    pub fn begin(&mut self) {
        self.since.get_or_insert_with(Stopwatch::start);
    }
}

/// A transaction that is to be tried again. Until it is committed nothing is processed, so that it stays the same.
pub(super) struct Retry {
    pub pause: Duration,
    pub since: Stopwatch,
    /// Nobody knows yet whether it was committed.
    pub in_doubt: bool,
}
