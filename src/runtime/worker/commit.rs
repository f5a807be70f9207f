//! The commit cycle: when a transaction is due, and what happens until it is through.

use super::state::Worker;
use super::transaction::{Ending, Held, Retry, Uncommitted};
use crate::health::Condition;
use crate::journal;
use crate::kafka::{Attempt, Fault, Link, Outbound, Receipt, TopicPartition};
use crate::runtime::clock::Stopwatch;
use crate::runtime::partition::{JournalPosition, Partition};
use crate::telemetry::{CommitOutcome, CommitReport, troubles};
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Offsets without output are committed this often, and output at least this often in a steady stream of records.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// Output that waits for a commit, at most.
pub(super) const OUTPUT_BYTES_MAX: usize = 16 << 20;
/// With fewer records left to read, urgent tasks do not wait until they are read.
const NEARLY_THERE_RECORDS: i64 = 32_768;
/// Pauses between attempts to commit: the first, doubled up to the last.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);
/// Pause between attempts that somebody waits for.
const AGAIN_PAUSE: Duration = Duration::from_millis(100);
/// In the log.
const NOT_COMMITTED: &str = "commit";

impl<L: Link> Worker<'_, L> {
    /// Whether a transaction should be committed now.
    pub(super) fn due(&self) -> bool {
        let Some(since) = &self.uncommitted.since else {
            return false;
        };
        if since.reached(COMMIT_INTERVAL) || self.partitions.values().any(Partition::step_log_full)
        {
            return true;
        }
        if self.output.waiting().is_empty() {
            return false;
        }
        let run = &self.setup.config.run;
        let urgent = self.output.urgent();
        let waited = since.reached(Duration::from_millis(run.batch_wait_ms.into()));
        // Half of the time is left for records, so that a worker that keeps up goes on doing so.
        let nearly_there = self.behind < NEARLY_THERE_RECORDS && since.reached(self.commit_took);
        self.uncommitted.records >= run.batch_records_max as usize
            || self.output.waiting_bytes() >= OUTPUT_BYTES_MAX
            || (self.drained && (urgent || waited))
            || (nearly_there && urgent)
    }

    /// Tries to commit what there is. If that fails, what there is waits for the next try.
    ///
    /// A transaction whose outcome is not known is settled first: a new producer of the same id ends it and fences its
    /// late requests, and then the journal holds our entry or does not.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        let partitions = self.partitions.values();
        let concerned = partitions.filter(|partition| partition.needs_commit());
        let concerned: Vec<i32> = concerned.map(|partition| partition.number).collect();
        let Some(first) = concerned.first() else {
            self.uncommitted = Uncommitted::default();
            self.retry = None;
            return Ok(());
        };
        self.output.check()?;
        if self.in_doubt() {
            if let Err(reason) = self.link.fence()? {
                self.hold(&reason, Held::InDoubt);
                return Ok(());
            }
            if self.committed_after_all(*first)? {
                self.mark_committed(&concerned, &Receipt::default());
                return Ok(());
            }
        }
        let (journal, offsets) = self.transaction(&concerned);
        let journal_bytes = journal
            .iter()
            .filter_map(|r| r.value.as_ref())
            .map(Vec::len);
        let journal_bytes = journal_bytes.sum::<usize>() as u64;
        let watch = Stopwatch::start();
        let attempt = self
            .output
            .with(journal, |outbound| self.link.commit(outbound, &offsets))?;
        self.commit_took = watch.elapsed();
        let (outcome, polls) = match &attempt {
            Attempt::Committed(receipt) => (CommitOutcome::Committed, receipt.polls),
            Attempt::Unknown(_) => (CommitOutcome::Unknown, 0),
            _ => (CommitOutcome::Aborted, 0),
        };
        let report = CommitReport {
            outcome,
            duration_seconds: self.commit_took.as_secs_f64(),
            polls: polls.into(),
            journal_bytes,
        };
        report.emit(&self.setup.telemetry);
        match attempt {
            Attempt::Committed(receipt) => self.mark_committed(&concerned, &receipt),
            Attempt::TooLarge(indexes) => {
                self.output.shrink(&indexes)?;
                let reason = "dead letters were larger than their topic allows, and were cut";
                self.hold(reason, Held::Refused);
            }
            Attempt::Again(reason) => {
                self.health.set(Condition::Connected, false);
                self.hold(&reason, Held::Refused);
            }
            Attempt::Unknown(reason) => {
                self.health.set(Condition::Connected, false);
                self.hold(&reason, Held::InDoubt);
            }
            Attempt::Membership(reason) => self.hold(&reason, Held::Lost),
        }
        Ok(())
    }

    /// What the next transaction holds besides the output: for each partition its journal's records, and the offsets.
    fn transaction(&self, concerned: &[i32]) -> (Vec<Outbound>, Vec<(TopicPartition, i64)>) {
        let mut outbound = Vec::new();
        let mut offsets = Vec::new();
        let topic: Arc<str> = self.setup.topics.name(self.setup.topics.journal()).into();
        for partition in concerned
            .iter()
            .filter_map(|number| self.partitions.get(number))
        {
            let entry = journal::JournalRecord::Entry(partition.entry(self.writer));
            let manifest = partition.snapshots.written.clone();
            let manifest =
                manifest.map(|manifest| journal::JournalRecord::Manifest(Box::new(manifest)));
            for record in [Some(entry), manifest].into_iter().flatten() {
                outbound.push(Outbound {
                    topic: Arc::clone(&topic),
                    partition: Some(partition.number),
                    key: None,
                    value: Some(record.encode()),
                    headers: Vec::new(),
                    timestamp_ms: None,
                });
            }
            offsets.extend(partition.offsets());
        }
        (outbound, offsets)
    }

    /// Everything is visible.
    fn mark_committed(&mut self, concerned: &[i32], receipt: &Receipt) {
        let mut index = self.output.waiting().len();
        for number in concerned {
            let Some(partition) = self.partitions.get_mut(number) else {
                continue;
            };
            let placed = receipt.placed.iter().find(|(placed, _)| *placed == index);
            let next = placed.map_or(partition.journal_position.next, |(_, offset)| offset + 1);
            partition.mark_committed(JournalPosition {
                seq: partition.journal_position.seq + 1,
                next,
            });
            index += 1;
            if let Some(manifest) = partition.snapshots.written.take() {
                index += 1;
                self.published(*number, manifest);
            }
        }
        self.output.report.emit(&self.setup.telemetry);
        std::mem::take(&mut self.output.rejections).log();
        self.output.clear();
        self.uncommitted = Uncommitted::default();
        if self.retry.take().is_some() {
            troubles::over(NOT_COMMITTED, "committed at last");
            self.health.set(Condition::Connected, true);
        }
        self.take_snapshot();
    }

    /// Whether the entry that was to be written to a partition's journal is there.
    fn committed_after_all(&mut self, number: i32) -> Result<bool, Fault> {
        let partition = self.partitions.get(&number);
        let Some(position) = partition.map(|partition| partition.journal_position) else {
            return Ok(false);
        };
        match self.journal_since(number, position)? {
            None => Ok(false),
            Some(found) if found.seq == position.seq + 1 && found.writer == self.writer => Ok(true),
            Some(_) => Err(Fault::Restart(format!(
                "partition {number}: another worker has written to the journal, so the partition is not ours any more"
            ))),
        }
    }

    /// Whether nobody knows yet what became of the last transaction.
    pub(super) fn in_doubt(&self) -> bool {
        let mut retry = self.retry.iter();
        retry.any(|retry| retry.held == Held::InDoubt)
    }

    /// Commits what there is, trying again for some time.
    pub(super) fn commit_within(&mut self, patience: Duration) -> Result<Ending, Fault> {
        let watch = Stopwatch::start();
        self.commit()?;
        while let Some(retry) = &self.retry {
            if retry.held == Held::Lost {
                return Ok(Ending::Lost);
            }
            if watch.reached(patience) {
                return Ok(Ending::Late);
            }
            self.link.wait(AGAIN_PAUSE);
            self.health.beat();
            self.commit()?;
        }
        Ok(Ending::Through)
    }

    /// The process is to end: commits what was processed, and leaves snapshots with nothing to replay behind.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        self.catch_up_positions()?;
        let grace = Duration::from_secs(self.setup.config.run.shutdown_seconds.into());
        let watch = Stopwatch::start();
        // One more try may be under way when the time is over, and the rest is for leaving the group.
        let mut ending = self.commit_within(grace / 2)?;
        let records = self.uncommitted.records;
        match ending {
            Ending::Through => {
                let patience = (grace * 3 / 4).saturating_sub(watch.elapsed());
                ending = self.last_snapshots(patience)?;
                if ending == Ending::Late {
                    warn!(
                        "no time was left for snapshots of all partitions; the next start replays the rest \
                         (`run.shutdown_seconds` is the time there is)"
                    );
                }
            }
            Ending::Lost => {}
            Ending::Late => warn!(
                records,
                "could not commit before the end; the records will be processed again at the next start"
            ),
        }
        if ending == Ending::Lost {
            warn!(
                records,
                "the group has moved on without this worker, so nothing more is committed; whoever has the partitions \
                 next processes the records again"
            );
        }
        self.say_what_is_not_restored();
        info!(
            records_processed = self.records_processed,
            "leaving the group"
        );
        Ok(())
    }

    fn hold(&mut self, reason: &str, held: Held) {
        let pause = self
            .retry
            .as_ref()
            .map_or(RETRY_FIRST, |retry| RETRY_LAST.min(retry.pause * 2));
        let doubt = match held {
            Held::InDoubt => "; the journal will tell whether it is there",
            Held::Refused | Held::Lost => "",
        };
        troubles::warn(
            NOT_COMMITTED,
            &format!("not committed yet: {reason}{doubt}"),
        );
        self.retry = Some(Retry {
            pause,
            since: Stopwatch::start(),
            held,
        });
    }
}
