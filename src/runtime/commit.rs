//! The commit cycle: when a transaction is due, and what happens until it is through.

use super::clock::Stopwatch;
use super::partition::Partition;
use super::worker::{Retry, Uncommitted, Worker};
use crate::http::Condition;
use crate::kafka::{Attempt, Fault, Link, TopicPartition};
use crate::telemetry::{CommitOutcome, CommitReport};
use std::time::Duration;
use tracing::{info, warn};

/// Offsets without output are committed this often, and output at least this often in a steady stream of records.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// Output that waits for a commit, at most.
const OUTPUT_BYTES_MAX: usize = 16 << 20;
/// Pauses between attempts to commit: the first, doubled up to the last.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);
/// Pause between attempts that somebody waits for.
const AGAIN_PAUSE: Duration = Duration::from_millis(100);

impl Worker<'_> {
    /// Whether a transaction should be committed now.
    pub(super) fn due(&self) -> bool {
        let Some(since) = &self.uncommitted.since else {
            return false;
        };
        if since.reached(COMMIT_INTERVAL) {
            return true;
        }
        if self.output.waiting().is_empty() {
            return false;
        }
        let run = &self.setup.config.run;
        let waited = since.reached(Duration::from_millis(run.batch_wait_ms.into()));
        self.uncommitted.records >= run.batch_records_max as usize
            || self.output.waiting_bytes() >= OUTPUT_BYTES_MAX
            || (self.drained && waited)
    }

    /// Tries to commit what there is. If that fails, what there is waits for the next try.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        let offsets: Vec<(TopicPartition, i64)> = self
            .partitions
            .values()
            .flat_map(Partition::moved)
            .collect();
        if offsets.is_empty() {
            self.uncommitted = Uncommitted::default();
            self.retry = None;
            return Ok(());
        }
        let watch = Stopwatch::start();
        let attempt = self.link.commit(self.output.waiting(), &offsets)?;
        let (outcome, polls) = match &attempt {
            Attempt::Committed(receipt) => (CommitOutcome::Committed, receipt.polls),
            Attempt::Unknown(_) => (CommitOutcome::Unknown, 0),
            _ => (CommitOutcome::Aborted, 0),
        };
        let report = CommitReport {
            outcome,
            duration_seconds: watch.elapsed().as_secs_f64(),
            polls: polls.into(),
        };
        report.emit(&self.setup.telemetry);
        match attempt {
            Attempt::Committed(_) => {
                for partition in self.partitions.values_mut() {
                    partition.settle();
                }
                self.output.clear();
                self.report.emit(&self.setup.telemetry);
                self.uncommitted = Uncommitted::default();
                if self.retry.take().is_some() {
                    info!("committed at last");
                    self.health.set(Condition::Connected, true);
                }
            }
            Attempt::TooLarge(indexes) => {
                self.output.shrink(&indexes)?;
                self.hold("dead letters were larger than their topic allows, and were cut");
            }
            Attempt::Again(reason) | Attempt::Unknown(reason) => {
                self.health.set(Condition::Connected, false);
                self.hold(&reason);
            }
            Attempt::Membership(reason) => self.hold(&reason),
        }
        Ok(())
    }

    /// Commits what there is, trying again for some time. Returns whether nothing is left.
    pub(super) fn commit_within(&mut self, patience: Duration) -> Result<bool, Fault> {
        let watch = Stopwatch::start();
        self.commit()?;
        while self.retry.is_some() {
            if watch.reached(patience) {
                return Ok(false);
            }
            self.link.wait(AGAIN_PAUSE);
            self.health.beat();
            self.commit()?;
        }
        Ok(true)
    }

    /// The process is to end: commits what was processed.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        self.catch_up_positions()?;
        let grace = Duration::from_secs(self.setup.config.run.shutdown_seconds.into());
        // The other half is for leaving the group.
        if !self.commit_within(grace / 2)? {
            let records = self.uncommitted.records;
            warn!(
                records,
                "could not commit before the end; the records will be processed again at the next start"
            );
        }
        info!(
            records_processed = self.records_processed,
            "leaving the group"
        );
        Ok(())
    }

    fn hold(&mut self, reason: &str) {
        let pause = self
            .retry
            .as_ref()
            .map_or(RETRY_FIRST, |retry| RETRY_LAST.min(retry.pause * 2));
        warn!(
            retry_ms = pause.as_millis() as u64,
            "not committed yet: {reason}"
        );
        self.retry = Some(Retry {
            pause,
            since: Stopwatch::start(),
        });
    }
}
