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
    pub held: Held,
}

/// Why a transaction is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It is not there.
    Refused,
    /// Nobody knows yet whether it was committed.
    InDoubt,
    /// The group has moved on. A rebalance will say whether the partitions stay; as things are they are not ours.
    Lost,
}

/// How trying to commit for some time ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing is left.
    Through,
    /// The group has moved on, so that more tries are in vain.
    Lost,
    /// The time is over.
    Late,
}
